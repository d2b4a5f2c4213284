import { parse } from 'yaml';
import { quote } from '../../crds/scalars/scalar.ts';
import { isObject } from '../../lib/json.ts';
import { CliError } from '../errors.ts';
import { nearest } from '../nearest.ts';

/** What can be set of an installation. Where nothing is, the manifests hold. */
interface Setting {
  doc: string;
  /** Of the whole value. */
  pattern: RegExp;
  /** What the pattern asks for, in words. */
  wants: string;
}

const IMAGE: Omit<Setting, 'doc'> = {
  pattern: /^[a-z0-9][\w.:/@-]*$/,
  wants: 'a reference of an image, such as registry.example.com/weft-operator:1.0 or …@sha256:…',
};
const QUANTITY: Omit<Setting, 'doc'> = {
  pattern: /^\d+(?:\.\d+)?(?:m|[kMGT]|[KMGT]i)?$/,
  wants: 'a quantity, such as 100m or 128Mi',
};

export const SETTINGS = {
  ha: {
    doc: 'as `--ha`: three replicas, no two of them on a node while others have none, nor in a zone where that can be',
    pattern: /^(?:true|false)$/,
    wants: 'true or false',
  },
  'images.prefix': {
    doc: 'what is before the names `weft-operator` and `weft-proxy`; a registry ends in `/`',
    pattern: /^(?:[a-z0-9][\w.:/-]*)?$/,
    wants: 'the beginning of a reference, such as registry.example.com/mesh/',
  },
  'images.tag': {
    doc: 'tag of both images',
    pattern: /^\w[\w.-]{0,127}$/,
    wants: 'a tag: letters, digits, `.`, `-`, `_`',
  },
  'images.operator': { doc: "the operator's image as a whole, by digest for example", ...IMAGE },
  'images.proxy': { doc: "the proxy's image as a whole, where the Mesh names none", ...IMAGE },
  'images.pullPolicy': {
    doc: "of the operator's image",
    pattern: /^(?:Always|IfNotPresent|Never)$/,
    wants: 'Always, IfNotPresent or Never',
  },
  'images.inputs': {
    doc: 'fingerprint of what the images were made from: another one restarts the operator, though the tag is the same',
    pattern: /^[\w.-]{1,128}$/,
    wants: 'letters, digits, `.`, `-`, `_`',
  },
  'viz.enabled': {
    doc: 'live numbers: `false` leaves out the aggregated API with its rights, and no proxy is asked for reports; `weft prune` removes what is left of them',
    pattern: /^(?:true|false)$/,
    wants: 'true or false',
  },
  'operator.replicas': {
    doc: 'without it (and without `--ha`) one at first, and then as many as somebody scales it to',
    pattern: /^[1-9]\d?$/,
    wants: 'a number from 1 to 99',
  },
  'operator.logLevel': {
    doc: 'what the operator logs',
    pattern: /^(?:error|warn|info|debug)$/,
    wants: 'error, warn, info or debug',
  },
  'operator.resources.requests.cpu': { doc: 'what a replica asks for', ...QUANTITY },
  'operator.resources.requests.memory': { doc: 'what a replica asks for', ...QUANTITY },
  'operator.resources.limits.cpu': { doc: 'what a replica gets at most', ...QUANTITY },
  'operator.resources.limits.memory': { doc: 'what a replica gets at most', ...QUANTITY },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type Values = { readonly [K in SettingName]?: string };

type Pair = readonly [name: string, value: string];

/** No name has as many parts; a mapping may be within itself (an alias of YAML). */
const MAX_DEPTH = 8;

/** Every scalar is text: a tag of 1.10 is no number. Warnings would quote the text as it is. */
const AS_WRITTEN = { schema: 'failsafe', logLevel: 'error' } as const;

/**
 * The values of `--set a=b,c=d`.
 * @throws CliError WEFT_INSTALL_VALUE on an unknown name, with the one that was probably meant, and on a wrong value
 */
export function valuesOfSet(text: string): Values {
  return checked(
    text.split(',').map((pair) => {
      const at = pair.indexOf('=');
      if (at < 0) throw new CliError('WEFT_INSTALL_VALUE', `--set: ${quote(pair)} is not name=value`);
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] satisfies Pair;
    }),
  );
}

/**
 * The values of a file of `--values`: YAML, nested by the parts of the names (`images: {tag: "1.0"}`).
 * @throws CliError WEFT_INSTALL_VALUE
 */
export function valuesOfFile(text: string, file: string): Values {
  let content: unknown;
  try {
    content = parse(text, AS_WRITTEN);
  } catch (error) {
    throw new CliError('WEFT_INSTALL_VALUE', `${file}: ${reasonOf(error)}`, error);
  }
  if (content === null) return {};
  if (!isObject(content)) throw new CliError('WEFT_INSTALL_VALUE', `${file} is not a mapping of names to values`);
  return checked(leavesOf(content));
}

/**
 * What an earlier installation was made with: names that this version does not know are not taken over.
 * @throws CliError WEFT_INSTALL_VALUE where somebody has written something else there
 */
export function valuesOfRecord(text: string): Values {
  try {
    const content: unknown = JSON.parse(text);
    if (!isObject(content)) throw new TypeError('no mapping');
    return checked(leavesOf(content).filter(([name]) => isSetting(name)));
  } catch (error) {
    const record = 'the values of the installation are not readable, and --reset-values passes over them';
    throw new CliError('WEFT_INSTALL_VALUE', `${record}: ${reasonOf(error)}`, error);
  }
}

/** The first line of what a parser says: the others draw the place. It may have what the text has, which no terminal is to obey. */
function reasonOf(error: unknown): string {
  if (error instanceof CliError) return error.message;
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return quote(line);
}

/** Later ones win. */
export function merged(...values: readonly Values[]): Values {
  return Object.assign({}, ...values) as Values;
}

function leavesOf(content: Readonly<Record<string, unknown>>, prefix = '', depth = 1): Pair[] {
  return Object.entries(content).flatMap(([key, value]) => {
    const name = prefix + key;
    if (isObject(value) && depth < MAX_DEPTH) return leavesOf(value, `${name}.`, depth + 1);
    if (typeof value === 'object') throw new CliError('WEFT_INSTALL_VALUE', `${quote(name)} is not a value`);
    return [[name, String(value)] satisfies Pair];
  });
}

function checked(pairs: readonly Pair[]): Values {
  for (const [name, value] of pairs) {
    if (!isSetting(name))
      throw new CliError('WEFT_INSTALL_VALUE', `there is no value ${quote(name)}${suggestion(name)}`);
    const { pattern, wants } = SETTINGS[name];
    if (!pattern.test(value)) throw new CliError('WEFT_INSTALL_VALUE', `${name} wants ${wants}, not ${quote(value)}`);
  }
  return Object.fromEntries(pairs) as Values;
}

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** A name may also be one of the last parts of another (`tag`). */
function suggestion(name: string): string {
  const names = Object.keys(SETTINGS);
  const meant = nearest(name, names) ?? names.find((known) => known.endsWith(`.${name}`));
  return meant === undefined ? `; there are ${names.join(', ')}` : `; did you mean ${meant}?`;
}
