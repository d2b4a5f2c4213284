type TextRecord = Readonly<Record<string, string>>;

/** More than a page of a list has of them. What is forgotten is only there once more. */
const MAX_REMEMBERED = 4_096;

/**
 * What thousands of objects say in the same words, once: the pods of a workload have one namespace and one set of labels, of which each comes from its own text. Only
 * what was seen lately is remembered, so that names which occur once take no memory for long.
 */
export class Repeated {
  #records = new Map<string, TextRecord>();
  #before = new Map<string, TextRecord>();
  readonly #texts = new Map<string, string>();

  /** The same text. */
  text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_REMEMBERED) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }

  /** A record that says the same in the same order; who has it must not change it. */
  record(record: TextRecord): TextRecord {
    const text = JSON.stringify(record);
    const known = this.#records.get(text);
    if (known !== undefined) return known;
    const kept = this.#before.get(text) ?? record;
    if (this.#records.size >= MAX_REMEMBERED) {
      this.#before = this.#records;
      this.#records = new Map();
    }
    this.#records.set(text, kept);
    return kept;
  }
}
