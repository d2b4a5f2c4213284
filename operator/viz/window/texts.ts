const EMPTY = 0;
/** Of a text beside its characters, which may take two octets each: its object, its places in a table and in lists. */
const BESIDE_BYTES = 100;

/** Texts by number, each kept once and as long as something uses it: pods come and go, their names must not stay. The empty text is 0. */
export class Texts {
  readonly #maxBytes: number;
  #bytes = 0;
  readonly #numbers = new Map<string, number>([['', EMPTY]]);
  readonly #texts: string[] = [''];
  readonly #uses: number[] = [1];
  readonly #free: number[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** As many octets as there is room for, by an estimate that is rather too high, are taken. */
  get full(): boolean {
    return this.#bytes >= this.#maxBytes;
  }

  get size(): number {
    return this.#numbers.size;
  }

  text(number: number): string {
    return this.#texts[number] ?? '';
  }

  /** `null`: nothing uses such a text. */
  find(text: string): number | null {
    return this.#numbers.get(text) ?? null;
  }

  /** One use more. */
  use(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) {
      this.#uses[known]!++;
      return known;
    }
    const number = this.#free.pop() ?? this.#texts.length;
    this.#texts[number] = text;
    this.#uses[number] = 1;
    this.#numbers.set(text, number);
    this.#bytes += bytesOf(text);
    return number;
  }

  release(number: number): void {
    this.#uses[number]!--;
    if (this.#uses[number]! > 0) return;
    this.#bytes -= bytesOf(this.#texts[number]!);
    this.#numbers.delete(this.#texts[number]!);
    this.#texts[number] = '';
    this.#free.push(number);
  }
}

function bytesOf(text: string): number {
  return 2 * text.length + BESIDE_BYTES;
}
