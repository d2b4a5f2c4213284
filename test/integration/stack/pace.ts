/** How one of a row of requests went. */
export interface Paced {
  /** Since the row began. */
  startedMs: number;
  tookMs: number;
  answer: string;
}

/** Sends requests at a steady rate, whether those before them have been answered or not. */
export class Pace {
  readonly results: Paced[] = [];
  readonly #send: () => Promise<string>;
  readonly #gapMs: number;
  readonly #beganMs = performance.now();
  readonly #running: Promise<void>[] = [];
  #underWay = 0;
  #ended = false;
  readonly #loop: Promise<void>;

  constructor(perSecond: number, send: () => Promise<string>) {
    this.#send = send;
    this.#gapMs = 1000 / perSecond;
    this.#loop = this.#run();
  }

  static rest(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  get nowMs(): number {
    return performance.now() - this.#beganMs;
  }

  async #run(): Promise<void> {
    for (let count = 0; !this.#ended; count++) {
      const waitMs = count * this.#gapMs - this.nowMs;
      if (waitMs > 0) await Pace.rest(waitMs);
      this.#running.push(this.#one());
    }
  }

  async #one(): Promise<void> {
    const startedMs = this.nowMs;
    this.#underWay++;
    const answer = await this.#send();
    this.#underWay--;
    this.results.push({ startedMs, tookMs: this.nowMs - startedMs, answer });
  }

  /** Resolves in a moment in which nothing is under way: whoever goes then cuts nobody off. */
  async lull(): Promise<void> {
    while (this.#underWay > 0) await Pace.rest(1);
  }

  /** No more are sent; resolves when all are answered. */
  async end(): Promise<Paced[]> {
    this.#ended = true;
    await this.#loop;
    await Promise.all(this.#running);
    return this.results;
  }
}
