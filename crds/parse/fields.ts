import { isObject } from '../../lib/json.ts';
import { quote, type Scalar } from '../scalars/scalar.ts';
import type { ProblemList } from './problems.ts';

export interface Element {
  value: unknown;
  path: string;
}

/** Longest part of a user-chosen key shown in a path. */
const MAX_KEY_IN_PATH = 80;

/**
 * One JSON object of a user's manifest, read field by field. A wrong type is reported with its path and reads as absent, so parsing goes on
 * and finds every problem. `null` counts as absent, as in the API server. Only own properties are read: `__proto__` and `constructor` are keys
 * like any other.
 */
export class Fields {
  readonly path: string;
  readonly problems: ProblemList;
  readonly #object: Readonly<Record<string, unknown>>;

  constructor(object: Readonly<Record<string, unknown>>, path: string, problems: ProblemList) {
    this.#object = object;
    this.path = path;
    this.problems = problems;
  }

  /** The object at `path`, or `null` after reporting that it is none. */
  static of({ value, path }: Element, problems: ProblemList): Fields | null {
    if (isObject(value)) return new Fields(value, path, problems);
    problems.error(path, value === undefined ? 'is required' : `must be an object, not ${describe(value)}`);
    return null;
  }

  at(key: string): string {
    return joinPath(this.path, key);
  }

  raw(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? (this.#object[key] ?? undefined) : undefined;
  }

  has(key: string): boolean {
    return this.raw(key) !== undefined;
  }

  keys(): string[] {
    return Object.keys(this.#object);
  }

  string(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined || typeof value === 'string') return value;
    return this.#wrongType(key, 'text', value);
  }

  /** As `string`, where an empty text means the same as an absent field (Go's `omitempty`). */
  text(key: string): string {
    return this.string(key) ?? '';
  }

  boolean(key: string): boolean | undefined {
    const value = this.raw(key);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.#wrongType(key, 'true or false', value);
  }

  number(key: string): number | undefined {
    const value = this.raw(key);
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
    return this.#wrongType(key, 'a number', value);
  }

  integer(key: string): number | undefined {
    const value = this.raw(key);
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
    return this.#wrongType(key, 'an integer', value);
  }

  object(key: string): Fields | null {
    return this.has(key) ? this.required(key) : null;
  }

  /** The object under `key`; its absence is an error. */
  required(key: string): Fields | null {
    return Fields.of({ value: this.raw(key), path: this.at(key) }, this.problems);
  }

  /** Elements with their paths; more than `max` are an error and none is read. */
  list(key: string, max: number): Element[] {
    const value = this.raw(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) return this.#wrongType(key, 'a list', value) ?? [];
    if (value.length > max) {
      this.problems.error(this.at(key), `must have at most ${max} items, not ${value.length}`);
      return [];
    }
    return value.map((element: unknown, index) => ({ value: element, path: `${this.at(key)}[${index}]` }));
  }

  objects(key: string, max: number): Fields[] {
    return this.list(key, max)
      .map((element) => Fields.of(element, this.problems))
      .filter((fields) => fields !== null);
  }

  strings(key: string, max: number): { text: string; path: string }[] {
    const found: { text: string; path: string }[] = [];
    for (const { value, path } of this.list(key, max)) {
      if (typeof value === 'string') found.push({ text: value, path });
      else this.problems.error(path, `must be text, not ${describe(value)}`);
    }
    return found;
  }

  /** The text under `key` through a scalar parser; `fallback` when absent, empty or wrong. */
  scalar<T>(key: string, parse: (text: string) => Scalar<T>, fallback: T): T {
    const text = this.text(key);
    return text === '' ? fallback : this.accept(parse(text), this.at(key), fallback);
  }

  accept<T>(result: Scalar<T>, path: string, fallback: T): T {
    if (result.ok) return result.value;
    this.problems.error(path, result.problem);
    return fallback;
  }

  oneOf<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
    const text = this.text(key);
    if (text === '') return fallback;
    const found = allowed.find((candidate) => candidate === text);
    if (found === undefined)
      this.problems.error(this.at(key), `must be one of ${allowed.join(', ')}, not ${quote(text)}`);
    return found ?? fallback;
  }

  /** Reports every key outside `known`: a typo must not silently switch a rule off. */
  closed(known: readonly string[]): void {
    for (const key of this.keys()) {
      if (!known.includes(key))
        this.problems.error(this.at(key), `is not a known field; known are ${known.join(', ')}`);
    }
  }

  #wrongType(key: string, expected: string, value: unknown): undefined {
    this.problems.error(this.at(key), `must be ${expected}, not ${describe(value)}`);
    return undefined;
  }
}

function joinPath(path: string, key: string): string {
  const plain = /^[A-Za-z0-9_-]{1,80}$/.test(key);
  const shown = plain ? key : `[${quote(key.slice(0, MAX_KEY_IN_PATH))}]`;
  if (path === '') return shown;
  return plain ? `${path}.${shown}` : `${path}${shown}`;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  return typeof value === 'object' ? quote(value) : `${typeof value} ${quote(value)}`;
}
