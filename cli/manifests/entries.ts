import { isAlias, isMap, isNode, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml';
import { CliError } from '../errors.ts';
import { lineStart, nextLine, type TextEdit } from './text-edit.ts';

/**
 * Entries of maps, put into the text of a manifest and taken out of it: everything else, comments and spaces included, stays as it was written. Taking out what
 * was put in gives the text as it was.
 */

/** How far one level is indented where nothing shows how the author does it. */
const INDENT = '  ';

type Entries = readonly (readonly [key: string, value: string])[];

interface Place {
  /** The map that gets the entries; `null`: the value of `pair` is absent. */
  map: YAMLMap | null;
  /** Whose value it is; `null` for the root. */
  pair: Pair | null;
  /** Of the map that `pair` is in. */
  outer: YAMLMap | null;
  /** Keys of maps that are not there yet. */
  missing: readonly string[];
}

/**
 * What puts entries into the map at `path`; it is made where it is not there. A value that is there already costs no edit.
 * @param root an object of a manifest, within `text`
 * @throws CliError WEFT_CLI_MANIFEST where the place is shared by an alias, or is no map
 */
export function putEntries(text: string, root: YAMLMap, path: readonly string[], entries: Entries): TextEdit[] {
  const place = placeOf(text, root, path);
  const map = place.missing.length === 0 ? place.map : null;
  const edits: TextEdit[] = [];
  const added: (readonly [string, string])[] = [];
  for (const entry of entries) {
    const [key, value] = entry;
    const pair = map === null ? null : pairOf(map, key);
    if (pair === null) added.push(entry);
    else if (!isScalar(pair.value) || pair.value.value !== value) {
      edits.push(replaceValue(pair, path, value, map?.flow === true));
    }
  }
  return added.length === 0 ? edits : [...edits, insert(text, place, added)];
}

function placeOf(text: string, root: YAMLMap, path: readonly string[]): Place {
  let place: Place = { map: root, pair: null, outer: null, missing: [] };
  for (const [depth, key] of path.entries()) {
    const { map } = place;
    const pair = map === null ? null : pairOf(map, key);
    if (map === null || pair === null) return { ...place, missing: path.slice(depth) };
    const { value } = pair;
    if (isMap(value)) {
      if (isShared(text, value.anchor)) throw noPlace(path, `${key} is repeated elsewhere by an alias`);
      place = { map: value, pair, outer: map, missing: [] };
    } else if (isAlias(value)) throw noPlace(path, `${key} is an alias`);
    else if (isEmpty(value)) return { map: null, pair, outer: map, missing: path.slice(depth + 1) };
    else throw noPlace(path, `${key} is no map`);
  }
  return place;
}

function isShared(text: string, anchor: string | undefined): boolean {
  return anchor !== undefined && text.includes(`*${anchor}`);
}

function isEmpty(value: unknown): boolean {
  return value === null || (isScalar(value) && value.value === null);
}

function noPlace(path: readonly string[], why: string): CliError {
  return new CliError('WEFT_CLI_MANIFEST', `${path.join('.')} cannot be set: ${why}`);
}

export function pairOf(map: YAMLMap, key: string): Pair | null {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) ?? null;
}

function replaceValue(pair: Pair, path: readonly string[], value: string, isFlow: boolean): TextEdit {
  const old = pair.value;
  if (!isScalar(old) || !old.range) throw noPlace(path, 'its value is no text');
  const [from, until] = old.range;
  const isQuoted = isFlow || old.type === 'QUOTE_DOUBLE' || old.type === 'QUOTE_SINGLE';
  const text = isQuoted ? JSON.stringify(value) : plain(value);
  // `key:` without a value has nothing between the two.
  return { from, until, text: from === until ? ` ${text}` : text };
}

function insert(text: string, { map, pair, outer, missing }: Place, entries: Entries): TextEdit {
  if (map === null) return insertIntoEmpty(text, pair!, outer!, missing, entries);
  if (map.flow === true) return insertIntoFlow(text, map, missing, entries);
  const first = startOf(map.items[0]!);
  const indent = ' '.repeat(first - lineStart(text, first));
  const below = pair === null ? first : nextLine(text, endOfKey(pair));
  // Behind the line of the key, so that comments stay with what they are about.
  if (below <= first && pair !== null)
    return { from: below, until: below, text: block(text, indent, missing, entries) };
  return { from: first, until: first, text: `${block(text, indent, missing, entries).trimStart()}${indent}` };
}

function insertIntoEmpty(
  text: string,
  pair: Pair,
  outer: YAMLMap,
  missing: readonly string[],
  entries: Entries,
): TextEdit {
  const written = isScalar(pair.value) ? pair.value.range : null;
  const [from, until] = written ?? [endOfKey(pair) + 1, endOfKey(pair) + 1];
  if (outer.flow === true || from !== until) {
    return { from, until, text: `${from === until ? ' ' : ''}{${flow(missing, entries)}}` };
  }
  const key = startOf(pair);
  const indent = ' '.repeat(key - lineStart(text, key)) + INDENT;
  const at = nextLine(text, endOfKey(pair));
  const isLast = at === text.length && !text.endsWith('\n');
  return { from: at, until: at, text: (isLast ? newline(text) : '') + block(text, indent, missing, entries) };
}

function insertIntoFlow(text: string, map: YAMLMap, missing: readonly string[], entries: Entries): TextEdit {
  const at = map.range![0] + 1;
  const entry = flow(missing, entries);
  const [next] = map.items;
  if (next === undefined) return { from: at, until: at, text: entry };
  // As the first entry stands, so does the new one.
  const gap = text.slice(at, startOf(next));
  const isPlain = /^\s*$/.test(gap);
  return { from: at, until: at, text: `${isPlain ? gap : ''}${entry},${isPlain && gap !== '' ? '' : ' '}` };
}

function block(text: string, indent: string, holders: readonly string[], entries: Entries): string {
  const inner = indent + INDENT.repeat(holders.length);
  const lines = [
    ...holders.map((key, depth) => `${indent}${INDENT.repeat(depth)}${plain(key)}:`),
    ...entries.map(([key, value]) => `${inner}${plain(key)}: ${plain(value)}`),
  ];
  return lines.map((line) => line + newline(text)).join('');
}

/** Quoted, so that it is JSON where the manifest is JSON. */
function flow(holders: readonly string[], entries: Entries): string {
  const [holder, ...rest] = holders;
  if (holder !== undefined) return `${JSON.stringify(holder)}: {${flow(rest, entries)}}`;
  return entries.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(', ');
}

/** Without quotes only where every version of YAML reads the text as text. */
function plain(value: string): string {
  const isText = /^[A-Za-z][A-Za-z0-9_./-]*$/.test(value) && !/^(?:true|false|yes|no|on|off|null|y|n)$/i.test(value);
  return isText ? value : JSON.stringify(value);
}

function newline(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function startOf(pair: Pair): number {
  return rangeOf(pair.key)[0];
}

function endOfKey(pair: Pair): number {
  return rangeOf(pair.key)[1];
}

/** Where the value ends, without a comment behind it. */
function endOf(pair: Pair): number {
  return Math.max(endOfNode(pair.value), endOfKey(pair));
}

/** The range of a map or list in lines takes in what follows it up to the next node: its last value ends before. */
function endOfNode(node: unknown): number {
  if (isMap(node) && node.flow !== true && node.items.length > 0) return endOf(node.items.at(-1)!);
  if (isSeq(node) && node.flow !== true && node.items.length > 0) return endOfNode(node.items.at(-1));
  return isNode(node) && node.range ? node.range[1] : 0;
}

function rangeOf(node: unknown): readonly [number, number, number] {
  if (isNode(node) && node.range) return node.range;
  throw new CliError('WEFT_CLI_MANIFEST', 'a key has no place in the text');
}

/**
 * What takes entries out of the map at `path`, and with the last one the maps around it that have nothing else.
 * @returns nothing where there is no such map, or no such entry
 */
export function takeEntries(
  text: string,
  root: YAMLMap,
  path: readonly string[],
  isTaken: (key: string, value: unknown) => boolean,
): TextEdit[] {
  const way: { map: YAMLMap; pair: Pair }[] = [];
  let map: YAMLMap = root;
  for (const key of path) {
    const pair = pairOf(map, key);
    if (pair === null || !isMap(pair.value)) return [];
    if (isShared(text, pair.value.anchor)) throw noPlace(path, `${key} is repeated elsewhere by an alias`);
    way.push({ map, pair });
    map = pair.value;
  }
  const taken = map.items.filter(({ key, value }) => {
    return isScalar(key) && isTaken(String(key.value), isScalar(value) ? value.value : value);
  });
  if (taken.length === 0) return [];
  const isLeft = taken.length < map.items.length || way.length === 0 || isBoundary(map, way.at(-1)!.map);
  if (isLeft) return map.flow === true ? removeFlow(text, map, taken) : taken.map((pair) => linesOf(text, pair));
  // Nothing is left in it, so it goes as well, and what has nothing but it.
  let outermost = way.length - 1;
  while (outermost > 0 && way[outermost]!.map.items.length === 1) {
    if (isBoundary(way[outermost]!.map, way[outermost - 1]!.map)) break;
    outermost -= 1;
  }
  const { map: outer, pair: holder } = way[outermost]!;
  if (outer.flow === true) return removeFlow(text, outer, [holder]);
  return [
    ...way.slice(outermost).map(({ pair }) => lines(text, startOf(pair), endOfKey(pair))),
    ...taken.map((pair) => linesOf(text, pair)),
  ];
}

/** Braces among lines are the author's: nothing here puts them there, so they stay when they are empty. */
function isBoundary(map: YAMLMap, outer: YAMLMap): boolean {
  return map.flow === true && outer.flow !== true;
}

function linesOf(text: string, pair: Pair): TextEdit {
  return lines(text, startOf(pair), endOf(pair));
}

/** Whole lines. The value of a block scalar ends behind its last one. */
function lines(text: string, from: number, until: number): TextEdit {
  const isEnded = until > from && text[until - 1] === '\n';
  return { from: lineStart(text, from), until: isEnded ? until : nextLine(text, until), text: '' };
}

function removeFlow(text: string, { items }: YAMLMap, taken: readonly Pair[]): TextEdit[] {
  const kept = items.findLastIndex((pair) => !taken.includes(pair));
  const edits = items.slice(0, Math.max(kept, 0)).flatMap((pair, index) => {
    return taken.includes(pair)
      ? [{ from: startOf(pair), until: untilNext(text, pair, items[index + 1]!), text: '' }]
      : [];
  });
  if (kept === items.length - 1) return edits;
  const from = kept === -1 ? startOf(items[0]!) : endOf(items[kept]!);
  return [...edits, { from, until: endOf(items.at(-1)!), text: '' }];
}

/** With the comma and the space behind it, but not with a comment about what follows. */
function untilNext(text: string, pair: Pair, next: Pair): number {
  const between = text.slice(endOf(pair), startOf(next));
  return between.includes('#') ? endOf(pair) + between.indexOf(',') + 2 : startOf(next);
}
