export interface BackoffOptions {
  initialMs: number;
  maxMs: number;
}

/** Delays between tries of one thing: doubling, each taken at random from its upper half, so that a thousand proxies do not return together. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Notes a failure and returns the pause after it. `atLeastMs` is what the other side asked for. */
  nextMs(atLeastMs = 0): number {
    const { initialMs, maxMs } = this.#options;
    const fullMs = Math.min(maxMs, initialMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.max(atLeastMs, fullMs * (0.5 + this.#random() / 2));
  }

  reset(): void {
    this.#failures = 0;
  }
}
