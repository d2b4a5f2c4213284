import type { Clock, Timer } from '../../operator/runtime/clock.ts';

interface Pending {
  atMs: number;
  order: number;
  run: () => void;
}

/** A clock that stands still until it is turned. Timers fire in order of time, then of creation, with promises settled between them. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #wallOffsetMs: number;
  #pending: Pending[] = [];
  #order = 0;

  constructor(options: { nowMs?: number; wallOffsetMs?: number } = {}) {
    this.#nowMs = options.nowMs ?? 0;
    this.#wallOffsetMs = options.wallOffsetMs ?? 1_700_000_000_000;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  get timers(): number {
    return this.#pending.length;
  }

  schedule(delayMs: number, run: () => void): Timer {
    this.#order += 1;
    const pending: Pending = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, run };
    this.#pending.push(pending);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== pending);
      },
    };
  }

  /** Turns the clock without letting promises run: for code that has none. */
  advanceSync(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (let next = this.#next(untilMs); next !== null; next = this.#next(untilMs)) next.run();
    this.#nowMs = untilMs;
  }

  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (let next = this.#next(untilMs); next !== null; next = this.#next(untilMs)) {
      next.run();
      await settle();
    }
    this.#nowMs = untilMs;
    await settle();
  }

  /** As a machine that slept: the time is another one at once, and what is due by then runs once. */
  async leap(byMs: number): Promise<void> {
    this.#nowMs += byMs;
    const due = this.#pending.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#pending = this.#pending.filter((pending) => !due.includes(pending));
    for (const { run } of due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)) run();
    await settle();
  }

  /** Takes the first timer that is due by `untilMs` and moves the time there. */
  #next(untilMs: number): Pending | null {
    const due = this.#pending.filter(({ atMs }) => atMs <= untilMs);
    const next = due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
    if (next === undefined) return null;
    this.#pending = this.#pending.filter((other) => other !== next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    return next;
  }
}

/** Lets promise chains run to where they wait for a timer or for input. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
