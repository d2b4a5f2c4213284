import type { Arrival } from './protocol.ts';

/** A change whose next arrival is later than this counts as another one; the harness puts them together. */
const OVER_MS = 1_000;

/** Puts together what the proxies of one process are sent of the same change. */
export class Arrivals {
  readonly #open = new Map<string, Arrival>();

  note(key: string, nowMs: number, bytes: number): void {
    const open = this.#open.get(key);
    if (open === undefined) {
      this.#open.set(key, { key, firstMs: nowMs, lastMs: nowMs, count: 1, bytes });
      return;
    }
    open.lastMs = nowMs;
    open.count += 1;
    open.bytes += bytes;
  }

  /** Those that are over. */
  take(nowMs: number): Arrival[] {
    const over = [...this.#open.values()].filter(({ lastMs }) => nowMs - lastMs > OVER_MS);
    for (const { key } of over) this.#open.delete(key);
    return over;
  }

  clear(): void {
    this.#open.clear();
  }
}
