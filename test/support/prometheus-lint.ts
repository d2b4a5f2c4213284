import type { Family, Sample } from './prometheus-text.ts';

/** Linkerd's names, which dashboards ask for: in milliseconds, against the conventions of Prometheus. */
const IN_MILLISECONDS = /^(?:route_|control_)?response_latency_ms$/;
/** Units that Prometheus has a base unit for, as words of a name. */
const OTHER_UNITS = /_(?:ms|milliseconds|minutes|hours|kb|kilobytes|mb|megabytes|percent)(?:_|$)/;

/** What `promtool check metrics` would find, and whether histograms add up: problems by family, none where all is well. */
export function lintFamilies(families: Map<string, Family>): string[] {
  return [...families.values()].flatMap((family) => problemsOf(family).map((problem) => `${family.name}: ${problem}`));
}

function problemsOf({ name, type, help, samples }: Family): string[] {
  const problems: string[] = [];
  if (help.trim().length < 5) problems.push('no help');
  if (type === 'counter' && !name.endsWith('_total')) problems.push('a counter does not end in _total');
  if (type !== 'counter' && name.endsWith('_total')) problems.push(`a ${type} ends in _total`);
  if (type !== 'histogram' && /_(?:bucket|count|sum)$/.test(name)) problems.push('named like a part of a histogram');
  if (OTHER_UNITS.test(name) && !IN_MILLISECONDS.test(name)) problems.push('not in a base unit');
  if (name !== name.toLowerCase()) problems.push('not in lower case');
  for (const { labels, value } of samples) {
    if (type !== 'histogram' && Object.hasOwn(labels, 'le')) problems.push('le is for histograms');
    if (type !== 'gauge' && !(value >= 0)) problems.push(`${value} is not a count`);
  }
  return type === 'histogram' ? [...problems, ...histogramProblems(name, samples)] : problems;
}

function histogramProblems(name: string, samples: readonly Sample[]): string[] {
  const series = new Map<string, Map<string, number>>();
  for (const { name: part, labels, value } of samples) {
    const { le = '', ...others } = labels;
    const id = JSON.stringify(Object.entries(others).toSorted());
    const parts = series.get(id) ?? new Map<string, number>();
    series.set(id, parts.set(part === `${name}_bucket` ? le : part, value));
  }
  return [...series].flatMap(([id, parts]) => seriesProblems(name, parts).map((problem) => `${problem}: ${id}`));
}

function seriesProblems(name: string, parts: ReadonlyMap<string, number>): string[] {
  const buckets = [...parts].filter(([part]) => !part.startsWith(name));
  const bounds = buckets.map(([le]) => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)));
  const counts = buckets.map(([, count]) => count);
  const problems: string[] = [];
  if (!isAscending(bounds)) problems.push('bounds that do not ascend');
  if (counts.some((count, index) => count < (counts[index - 1] ?? 0))) problems.push('buckets that are not cumulative');
  if (bounds.at(-1) !== Number.POSITIVE_INFINITY) problems.push('no bucket for everything');
  if (parts.get(`${name}_count`) !== counts.at(-1)) problems.push('a count that is not that of the last bucket');
  if (parts.get(`${name}_sum`) === undefined) problems.push('no sum');
  return problems;
}

function isAscending(bounds: readonly number[]): boolean {
  return bounds.every((bound, index) => index === 0 || bound > bounds[index - 1]!);
}
