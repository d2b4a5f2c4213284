/** Counts what is under way of one kind, up to a limit. What is refused is reset at once: it must not cost more than being refused does. */
export class Gate {
  readonly #limit: number;
  #inside = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False = full. Otherwise `leave` is owed, once. */
  enter(): boolean {
    if (this.#inside >= this.#limit) return false;
    this.#inside++;
    return true;
  }

  leave(): void {
    this.#inside--;
  }

  get inside(): number {
    return this.#inside;
  }
}
