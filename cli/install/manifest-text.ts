import { isMap, isScalar, isSeq, type Node, parseAllDocuments } from 'yaml';
import type { KubeObject } from './object.ts';

/** What stands as a comment before entries and items, by the mapping or list that holds them; before an object as a whole, by itself and no name. */
const NOTES = new WeakMap<object, ReadonlyMap<string | number, string>>();

/** Before the object itself. */
const WHOLE_OBJECT = '';

/**
 * Objects of a manifest of the control plane, with the comments in it (`noteOf`).
 * @throws YAMLParseError; Error on an alias, which would be one object in two places
 */
export function readManifest(text: string): KubeObject[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const { contents, commentBefore } = document;
    const object = read(contents, false) as KubeObject;
    // The parser has it in one of three places. Before the first entry stands what is about the object.
    const [first = ''] = Object.keys(object);
    const note = noteIn(commentBefore ?? contents?.commentBefore) || noteOf(object, first);
    const others = [...(NOTES.get(object) ?? [])].filter(([key]) => key !== first);
    if (note !== '') NOTES.set(object, new Map([...others, [WHOLE_OBJECT, note]]));
    return object;
  });
}

/** The comment before an entry or an item, or before an object; empty where there is none. */
export function noteOf(holder: object, key: string | number = WHOLE_OBJECT): string {
  return NOTES.get(holder)?.get(key) ?? '';
}

/** A copy has the comments of what it was made from. */
export function withNotesOf<T extends object>(from: object, copy: T): T {
  const notes = NOTES.get(from);
  if (notes !== undefined) NOTES.set(copy, notes);
  return copy;
}

/** @param ownsComment the comment before a mapping or list is that of its first entry or item, and not of the whole */
function read(node: Node | null, ownsComment: boolean): unknown {
  if (isScalar(node)) return node.value;
  const notes = new Map<string | number, string>();
  if (isSeq<Node>(node)) {
    const list = node.items.map((item, at) => {
      remember(notes, at, item.commentBefore ?? (at === 0 && ownsComment ? node.commentBefore : null));
      return read(item, false);
    });
    return noted(list, notes);
  }
  if (node === null) return null;
  if (!isMap<Node, Node>(node)) throw new Error(`a manifest of the control plane has no ${node.constructor.name}`);
  const entries = node.items.map(({ key, value }, at) => {
    const name = String(isScalar(key) ? key.value : key);
    remember(notes, name, key.commentBefore ?? (at === 0 && ownsComment ? node.commentBefore : null));
    return [name, read(value, true)] as const;
  });
  return noted(Object.fromEntries(entries), notes);
}

function noted<T extends object>(content: T, notes: ReadonlyMap<string | number, string>): T {
  if (notes.size > 0) NOTES.set(content, notes);
  return content;
}

function remember(notes: Map<string | number, string>, key: string | number, comment: string | null | undefined): void {
  const note = noteIn(comment);
  if (note !== '') notes.set(key, note);
}

function noteIn(comment: string | null | undefined): string {
  const lines = (comment ?? '').split('\n').map((line) => line.trim());
  return lines.join('\n').trim();
}
