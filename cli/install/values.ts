import { parse } from 'yaml';
import { quote } from '../../crds/scalars/scalar.ts';
import { isObject } from '../../lib/json.ts';
import { CliError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { SETTINGS, type Setting, type SettingName } from './settings.ts';
import { shaped } from './shapes.ts';

/** As text, whatever they are in YAML. */
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

/** What holds: what is set, else what holds without. */
export function effectiveValue(values: Values, name: SettingName): string | undefined {
  return values[name] ?? settingOf(name).fallback;
}

/** What is set and is not what holds anyway, in the order of the names, whatever order it was given in; empty where there is nothing. */
export function recordOf(values: Values): string {
  const entries = Object.entries(values)
    .filter(([name, text]) => effectiveValue({}, name as SettingName) !== text)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? '' : JSON.stringify(Object.fromEntries(entries));
}

/** Later ones win. */
export function merged(...values: readonly Values[]): Values {
  return Object.assign({}, ...values) as Values;
}

function leavesOf(content: Readonly<Record<string, unknown>>, prefix = '', depth = 1): Pair[] {
  return Object.entries(content).flatMap(([key, value]) => {
    const name = prefix + key;
    // Something within it that is nothing of it is told when it is checked.
    if (isSetting(name) && settingOf(name).type === 'json' && typeof value === 'object') {
      return [[name, JSON.stringify(value)] satisfies Pair];
    }
    if (isObject(value) && depth < MAX_DEPTH) return leavesOf(value, `${name}.`, depth + 1);
    if (typeof value === 'object') throw new CliError('WEFT_INSTALL_VALUE', `${quote(name)} is not a value`);
    return [[name, String(value)] satisfies Pair];
  });
}

function settingOf(name: SettingName): Setting {
  return SETTINGS[name];
}

function checked(pairs: readonly Pair[]): Values {
  const all = pairs.map(([name, value]) => [name, checkedValue(name, value)] satisfies Pair);
  return Object.fromEntries(all) as Values;
}

/** As it is kept: JSON in one form, whatever it was written like. */
function checkedValue(name: string, value: string): string {
  if (!isSetting(name)) throw new CliError('WEFT_INSTALL_VALUE', `there is no value ${quote(name)}${suggestion(name)}`);
  const { pattern, wants, shape } = settingOf(name);
  const kept = shape === undefined ? value : shaped(shape, value);
  if (kept === null || !pattern.test(kept)) {
    throw new CliError('WEFT_INSTALL_VALUE', `${name} wants ${wants}, not ${quote(value)}`);
  }
  return kept;
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
