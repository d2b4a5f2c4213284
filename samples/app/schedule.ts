const TICK_MS = 2;
/** What is under way when the schedule ends is waited for so long. */
const LAST_MS = 15_000;

/** Requests leave on a fixed schedule (open loop): a slow answer does not slow the rate. */
export class Schedule {
  readonly #timer: NodeJS.Timeout;
  #inFlight = 0;

  /** `send` begins one request, of which `ended` must be called. */
  constructor(perSecond: number, send: () => void) {
    const startedMs = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * perSecond);
      for (; sent < due; sent++) {
        this.#inFlight++;
        send();
      }
    }, TICK_MS);
  }

  ended(): void {
    this.#inFlight--;
  }

  /** Stops sending and waits until every request has an outcome, 15 s at most. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const deadlineMs = performance.now() + LAST_MS;
    while (this.#inFlight > 0 && performance.now() < deadlineMs) await new Promise((done) => setTimeout(done, 20));
  }
}
