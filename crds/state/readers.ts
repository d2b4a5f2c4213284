const NOBODY: readonly never[] = [];
const NOTHING: readonly string[] = [];

/**
 * Who depends on which text; a change finds its readers without asking the others. Most texts have one reader and most readers few texts, of tens of thousands each:
 * the one stands by itself, the few in an array, where a `Set` of either would take four times the memory.
 */
export class Readers<R extends object> {
  readonly #readers = new Map<string, R | Set<R>>();
  readonly #texts = new Map<R, readonly string[]>();

  of(text: string): Iterable<R> {
    const found = this.#readers.get(text);
    if (found === undefined) return NOBODY;
    return found instanceof Set ? found : [found];
  }

  /** Replaces what `reader` depends on; costs the difference. */
  replace(reader: R, texts: ReadonlySet<string>): void {
    const before = this.#texts.get(reader) ?? NOTHING;
    const left = before.filter((text) => !texts.has(text));
    if (left.length === 0 && before.length === texts.size && before !== NOTHING) return;
    const known = new Set(before);
    for (const text of texts) if (!known.has(text)) this.#add(reader, text);
    for (const text of left) this.#remove(reader, text);
    this.#texts.set(reader, [...texts]);
  }

  forget(reader: R): void {
    for (const text of this.#texts.get(reader) ?? NOTHING) this.#remove(reader, text);
    this.#texts.delete(reader);
  }

  #add(reader: R, text: string): void {
    const found = this.#readers.get(text);
    if (found === undefined) this.#readers.set(text, reader);
    else if (found instanceof Set) found.add(reader);
    else this.#readers.set(text, new Set([found, reader]));
  }

  #remove(reader: R, text: string): void {
    const found = this.#readers.get(text);
    if (found === reader) this.#readers.delete(text);
    if (!(found instanceof Set)) return;
    found.delete(reader);
    if (found.size === 0) this.#readers.delete(text);
  }
}
