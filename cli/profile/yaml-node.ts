import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from 'yaml';
import { printable } from '../../crds/scalars/scalar.ts';
import { isObject } from '../../lib/json.ts';
import { DescriptionError } from './description-error.ts';

/** What YAML and JSON are parsed to, in two forms: values, and where they stand. */
interface Parsed {
  document: Document;
  root: unknown;
  lines: LineCounter;
}

/** A value in a YAML or JSON file that knows its line. */
export class YamlNode {
  /** `undefined`: there is none. */
  readonly value: unknown;
  readonly #keys: readonly string[];
  readonly #file: Parsed;

  private constructor(value: unknown, keys: readonly string[], file: Parsed) {
    this.value = value;
    this.#keys = keys;
    this.#file = file;
  }

  /** @throws DescriptionError: neither YAML nor JSON */
  static parse(text: string): YamlNode {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, logLevel: 'error' });
    const [error] = document.errors;
    if (error !== undefined) {
      throw new DescriptionError([{ line: lines.linePos(error.pos[0]).line, message: shortened(error) }], error);
    }
    const root = plain(document);
    return new YamlNode(root, [], { document, root, lines });
  }

  /** Of a key, or an index of a list. */
  at(key: string): YamlNode {
    return new YamlNode(childOf(this.value, key), [...this.#keys, key], this.#file);
  }

  /** What a JSON pointer (RFC 6901) leads to from the root of the file. */
  atPointer(pointer: string): YamlNode {
    const keys = pointer
      .split('/')
      .slice(1)
      .map((key) => decoded(key).replaceAll('~1', '/').replaceAll('~0', '~'));
    const value = keys.reduce(childOf, this.#file.root);
    return new YamlNode(value, keys, this.#file);
  }

  keys(): string[] {
    return isObject(this.value) ? Object.keys(this.value) : [];
  }

  items(): YamlNode[] {
    return Array.isArray(this.value) ? this.value.map((_, index) => this.at(String(index))) : [];
  }

  /** From 1: where its key stands; of what is not there, or comes from elsewhere in the file, the line of what is around it. */
  get line(): number {
    let node: unknown = this.#file.document.contents;
    let offset = 0;
    for (const key of this.#keys) {
      if (isAlias(node)) node = node.resolve(this.#file.document);
      const [start, child] = placed(node, key);
      if (start === null) break;
      offset = start;
      node = child;
    }
    return this.#file.lines.linePos(offset).line;
  }
}

/** @throws DescriptionError: aliases that would fill memory, or lead into themselves */
function plain(document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new DescriptionError([{ line: 1, message: 'its aliases cannot be resolved' }], error);
  }
}

function shortened({ message }: Error): string {
  return printable(message.split('\n')[0]!);
}

function childOf(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function placed(node: unknown, key: string): [number | null, unknown] {
  if (isSeq(node)) {
    const item = node.items[Number(key)];
    return [startOf(item), item];
  }
  const pair = isMap(node) ? node.items.find((each: Pair) => keyOf(each) === key) : undefined;
  return pair === undefined ? [null, null] : [startOf(pair.key), pair.value];
}

function keyOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}

function startOf(node: unknown): number | null {
  const range = isObject(node) ? node['range'] : null;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
