import { getOrCreate } from './get-or-create.ts';

const NOBODY: ReadonlySet<never> = new Set();

/** Who depends on which text; a change finds its readers without asking the others. */
export class Readers<R> {
  readonly #readers = new Map<string, Set<R>>();
  readonly #texts = new Map<R, ReadonlySet<string>>();

  of(text: string): ReadonlySet<R> {
    return this.#readers.get(text) ?? NOBODY;
  }

  /** Replaces what `reader` depends on; costs the difference. */
  replace(reader: R, texts: ReadonlySet<string>): void {
    const before = this.#texts.get(reader) ?? NOBODY;
    this.#texts.set(reader, texts);
    for (const text of texts) {
      if (!before.has(text)) getOrCreate(this.#readers, text, () => new Set()).add(reader);
    }
    for (const text of before) {
      if (!texts.has(text)) this.#remove(reader, text);
    }
  }

  forget(reader: R): void {
    for (const text of this.#texts.get(reader) ?? NOBODY) this.#remove(reader, text);
    this.#texts.delete(reader);
  }

  #remove(reader: R, text: string): void {
    const readers = this.#readers.get(text);
    readers?.delete(reader);
    if (readers?.size === 0) this.#readers.delete(text);
  }
}
