const EMPTY = 0;

/** Texts by number, each kept once and as long as something uses it: pods come and go, their names must not stay. The empty text is 0. */
export class Texts {
  readonly #numbers = new Map<string, number>([['', EMPTY]]);
  readonly #texts: string[] = [''];
  readonly #uses: number[] = [1];
  readonly #free: number[] = [];

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
    return number;
  }

  release(number: number): void {
    this.#uses[number]!--;
    if (this.#uses[number]! > 0) return;
    this.#numbers.delete(this.#texts[number]!);
    this.#texts[number] = '';
    this.#free.push(number);
  }
}
