import { isObject } from '../../../lib/json.ts';
/** An object of unknown fields, as it came from JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** Deepest nesting of `all`, `any`, `not`: a resource must not overflow the stack of its reader. */
const MAX_DEPTH = 32;
/** A report names so many problems; a body of 16 MB can hold a million. */
const MAX_PROBLEMS = 20;

/**
 * Reads one resource body, which is hostile like all that comes from a network. Collects every problem with its field path; a body with `errors`
 * is refused whole. `denials` are rules of a type this proxy does not know: the body takes effect without them, in the safe direction, and they are reported.
 */
export class Reader {
  readonly errors: string[] = [];
  readonly denials: string[] = [];
  #denied = 0;

  /** How many rules were denied so far, reported or not: a reader of a rule compares it before and after to know whether a part of it was. */
  get denied(): number {
    return this.#denied;
  }

  fail(path: string, expected: string): void {
    if (this.errors.length < MAX_PROBLEMS) this.errors.push(`${path}: expected ${expected}`);
  }

  deny(path: string, problem: string): void {
    this.#denied++;
    if (this.denials.length < MAX_PROBLEMS) this.denials.push(`${path}: ${problem}; this rule does not apply`);
  }

  object(value: unknown, path: string): Fields {
    if (isObject(value)) return value;
    this.fail(path, 'an object');
    return {};
  }

  list<T>(value: unknown, path: string, item: (value: unknown, path: string) => T): T[] {
    if (Array.isArray(value)) return value.map((entry, index) => item(entry, `${path}[${index}]`));
    this.fail(path, 'a list');
    return [];
  }

  record<T>(value: unknown, path: string, item: (value: unknown, path: string) => T): [key: string, value: T][] {
    return Object.entries(this.object(value, path)).map(([key, entry]) => [key, item(entry, `${path}.${key}`)]);
  }

  text(value: unknown, path: string): string {
    if (typeof value === 'string') return value;
    this.fail(path, 'a string');
    return '';
  }

  /** The text under `name` of the object at `path`. */
  textOf(fields: Fields, path: string, name: string): string {
    return this.text(fields[name], `${path}.${name}`);
  }

  textOrNull(value: unknown, path: string): string | null {
    return value === null ? null : this.text(value, path);
  }

  flag(value: unknown, path: string): boolean {
    if (typeof value === 'boolean') return value;
    this.fail(path, 'true or false');
    return false;
  }

  /** The truth value under `name` of the object at `path`. */
  flagOf(fields: Fields, path: string, name: string): boolean {
    return this.flag(fields[name], `${path}.${name}`);
  }

  integer(value: unknown, path: string, min: number, max: number): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    this.fail(path, `an integer from ${min} to ${max}`);
    return min;
  }

  /** The integer under `name` of the object at `path`. */
  integerOf(fields: Fields, path: string, name: string, min: number, max: number): number {
    return this.integer(fields[name], `${path}.${name}`, min, max);
  }

  number(value: unknown, path: string, min: number, max: number): number {
    if (typeof value === 'number' && value >= min && value <= max) return value;
    this.fail(path, `a number from ${min} to ${max}`);
    return min;
  }

  port(value: unknown, path: string): number {
    return this.integer(value, path, 1, 65535);
  }

  /** A value of a closed set that may grow: `instead` where it is one of a newer contract. */
  oneOf<T extends string>(value: unknown, path: string, known: readonly T[], instead: T): T {
    const found = known.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    if (typeof value === 'string') this.deny(path, `unknown value ${JSON.stringify(value.slice(0, 60))}`);
    else this.fail(path, known.join(', '));
    return instead;
  }

  /** An index of a table of so many entries, or -1 where it is none: what refers to nothing fails closed, and is reported. */
  index(value: unknown, path: string, length: number): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < length) return value;
    this.deny(path, `expected an index below ${length}`);
    return -1;
  }

  /** A `type` that this proxy does not know. */
  unknownType(value: unknown, path: string): void {
    if (typeof value === 'string') this.deny(`${path}.type`, `unknown type ${JSON.stringify(value.slice(0, 60))}`);
    else this.fail(`${path}.type`, 'a string');
  }

  /** True when a tree of matches is too deep to follow. */
  tooDeep(depth: number, path: string): boolean {
    if (depth <= MAX_DEPTH) return false;
    this.fail(path, `at most ${MAX_DEPTH} levels of all, any, not`);
    return true;
  }
}
