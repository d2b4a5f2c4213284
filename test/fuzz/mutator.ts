import { Xoshiro } from '../../proxy-image/core/rng.ts';

/** Values of JSON that readers trip over. `__proto__` is made an own key by `JSON.parse`. */
const JUNK: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '0.5',
  '1e308',
  '1e999',
  '65536',
  '9007199254740993',
  '""',
  '"*"',
  '"/a("',
  '"10s"',
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  '"10.0.0.0/8"',
  '"::ffff:1.2.3.4"',
  '[]',
  '[[]]',
  '[null]',
  '{}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"":""}',
];

/** Random choices of one seed: the same seed gives the same inputs. */
export class Mutator {
  readonly #rng: Xoshiro;

  constructor(seed: number) {
    this.#rng = new Xoshiro(seed);
  }

  /** 0 … `bound` - 1 */
  below(bound: number): number {
    return this.#rng.uint32() % bound;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  /** `text` (one character a byte) with up to `most` changes; `pieces` are what attacks on this format are made of. */
  text(text: string, pieces: readonly string[], most = 4): string {
    let mutated = text;
    for (let count = this.below(most + 1); count > 0; count--) mutated = this.#change(mutated, pieces);
    return mutated;
  }

  #change(text: string, pieces: readonly string[]): string {
    const at = this.below(text.length + 1);
    const end = Math.min(text.length, at + this.below(12));
    switch (this.below(5)) {
      case 0:
        return text.slice(0, at) + this.pick(pieces) + text.slice(at);
      case 1:
        return text.slice(0, at) + text.slice(end);
      case 2:
        return text.slice(0, at) + String.fromCharCode(this.below(256)) + text.slice(at + 1);
      case 3:
        return text.slice(0, end) + text.slice(at);
      default:
        return text.slice(0, at) + this.pick(pieces) + text.slice(end);
    }
  }

  /** Up to three places to cut a text of `length` at, in order. */
  cuts(length: number): number[] {
    return Array.from({ length: this.below(4) }, () => this.below(length + 1)).sort((a, b) => a - b);
  }

  /** A JSON text: `value` with up to `most` of its parts replaced, left out, doubled or renamed. */
  json(value: unknown, most = 3): string {
    let mutated = value;
    for (let count = this.below(most + 1); count > 0; count--) mutated = this.#replaceSomewhere(mutated);
    return JSON.stringify(mutated) ?? 'null';
  }

  #replaceSomewhere(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.chance(12)) return JSON.parse(this.pick(JUNK)) as unknown;
    const entries = Object.entries(value);
    if (entries.length === 0) return JSON.parse(this.pick(JUNK)) as unknown;
    const at = this.below(entries.length);
    const [key, member] = entries[at]!;
    const change = this.below(10);
    if (change === 0) entries.splice(at, 1);
    else if (change === 1) entries.splice(at, 0, [`${key}${this.pick(['', 'x', '~1', '/', '\0'])}`, member]);
    else if (change === 2) entries[at] = [this.pick(['__proto__', 'constructor', '', key]), member];
    else entries[at] = [key, this.#replaceSomewhere(member)];
    return Array.isArray(value) ? entries.map(([, each]) => each) : ownEntries(entries);
  }
}

/** Unlike an assignment, makes `__proto__` a key like any other. */
function ownEntries(entries: [string, unknown][]): unknown {
  return Object.fromEntries(entries);
}

/** `text` cut at these positions, in bytes; empty parts are left out. */
export function partsOf(text: string, positions: readonly number[]): Buffer[] {
  const ends = [...positions, text.length];
  const parts = ends.map((end, i) => Buffer.from(text.slice(i === 0 ? 0 : ends[i - 1], end), 'latin1'));
  return parts.filter((part) => part.length > 0);
}
