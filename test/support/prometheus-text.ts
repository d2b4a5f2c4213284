/** A strict reader of the Prometheus text format 0.0.4: throws on anything the format does not allow. For tests of what we expose. */
export interface Family {
  name: string;
  type: string;
  help: string;
  samples: Sample[];
}

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/;

export function parsePrometheusText(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no newline');
  const families = new Map<string, Family>();
  let current: Family | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line.startsWith('# HELP ')) current = openFamily(families, line);
    else if (line.startsWith('# TYPE ')) setType(current, line);
    else if (line !== '') addSample(current, line);
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

function openFamily(families: Map<string, Family>, line: string): Family {
  const [, name, help] = /^# HELP (\S+) (.*)$/.exec(line) ?? raise(line);
  if (families.has(name!)) throw new Error(`two families of the name ${name}`);
  const family = { name: name!, type: '', help: help!, samples: [] };
  families.set(name!, family);
  return family;
}

function setType(family: Family | null, line: string): void {
  const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? raise(line);
  if (family === null || family.name !== name || family.type !== '') raise(line);
  else family.type = type!;
}

function addSample(family: Family | null, line: string): void {
  const name = NAME.exec(line)?.[0];
  if (family === null || name === undefined) throw notTheFormat(line);
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    const end = readLabels(rest, labels);
    rest = rest.slice(end);
  }
  const value = /^ (\+Inf|-Inf|NaN|-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)$/.exec(rest)?.[1];
  if (value === undefined) throw notTheFormat(line);
  family.samples.push({ name, labels, value: Number(value.replace('Inf', 'Infinity')) });
}

function readLabels(text: string, labels: Record<string, string>): number {
  let at = 1;
  while (text[at] !== '}') {
    const match = LABEL.exec(text.slice(at)) ?? raise(text);
    const [whole, name, value] = match;
    if (Object.hasOwn(labels, name!)) throw new Error(`label ${name} twice: ${text}`);
    labels[name!] = value!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
    at += whole.length;
    if (text[at] === ',') at++;
    else if (text[at] !== '}') raise(text);
  }
  return at + 1;
}

function checkFamily({ name, type, samples }: Family): void {
  if (type === '') throw new Error(`${name} has no type`);
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  const seen = new Set<string>();
  for (const sample of samples) {
    if (!suffixes.some((suffix) => sample.name === name + suffix)) throw new Error(`${sample.name} in family ${name}`);
    const id = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(id)) throw new Error(`the same series twice: ${id}`);
    seen.add(id);
  }
}

function raise(line: string): never {
  throw notTheFormat(line);
}

function notTheFormat(line: string): Error {
  return new Error(`not the Prometheus text format: ${JSON.stringify(line)}`);
}

/** Value of the one sample with exactly these labels among others; `undefined` when there is none, throws when there are several. */
export function sampleValue(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const found = [...families.values()]
    .flatMap((family) => family.samples)
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value));
  if (found.length > 1) throw new Error(`${found.length} samples of ${name} have ${JSON.stringify(labels)}`);
  return found[0]?.value;
}
