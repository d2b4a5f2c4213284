/**
 * Whether the API server answers, as the last request of this process has shown. Those who pause because it did not are told when it does again: their pauses have
 * grown as long as it was away, and one request of somebody else knows better than any of them.
 */
export class Reach {
  #isAway = false;
  readonly #waiting = new Set<() => void>();

  note(isAnswered: boolean): void {
    const isBack = isAnswered && this.#isAway;
    this.#isAway = !isAnswered;
    if (isBack) for (const wake of [...this.#waiting]) wake();
  }

  /** Calls `wake` when it is back; returns how to be told no more. */
  onReturn(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}
