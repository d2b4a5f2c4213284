import type { Clock } from '../runtime/clock.ts';

/** A replica with proxies. Times are by our clock. */
export interface Twice {
  /** When the proxy has connected to it; `null`: it has not. */
  sinceMs(proxy: string): number | null;
  /** It still has the proxy, which has connected to another one at `sinceMs`. */
  letGo(proxy: string, sinceMs: number): void;
}

/** Who is told and does not let go is told again. */
const AGAIN_MS = 2_000;

/**
 * A proxy has one connection. It goes to another replica when it has lost the one before, which the replica at its other end may not have noticed: for a moment, or until its
 * idle timeout where packets are lost. Then both would count it. The one to which it came first is told so, by when the proxy has come to the other, and lets go of it; a
 * connection that is younger than that stays, however late the word comes, and from whomever.
 */
export class TwiceConnected {
  readonly #holders: () => readonly Twice[];
  readonly #clock: Clock;
  readonly #found: () => void;
  /** When each was found, and when its replica was told last. */
  readonly #twice = new Map<string, { foundAtMs: number; toldAtMs: number }>();

  constructor(holders: () => readonly Twice[], clock: Clock, found: () => void) {
    this.#holders = holders;
    this.#clock = clock;
    this.#found = found;
  }

  /** Since when there is one at least; `null`: there is none. */
  get sinceMs(): number | null {
    const [first] = this.#twice.values();
    return first?.foundAtMs ?? null;
  }

  /** Looks at these proxies, which have come or gone, and at those that were connected twice. */
  check(proxies: Iterable<string>): void {
    const holders = this.#holders();
    if (holders.length > 1) for (const proxy of proxies) this.#look(proxy, holders);
    this.recheck();
  }

  recheck(): void {
    if (this.#twice.size === 0) return;
    const holders = this.#holders();
    for (const proxy of [...this.#twice.keys()]) this.#look(proxy, holders);
  }

  #look(proxy: string, holders: readonly Twice[]): void {
    const having = holders.flatMap((holder) => {
      const sinceMs = holder.sinceMs(proxy);
      return sinceMs === null ? [] : [{ holder, sinceMs }];
    });
    if (having.length < 2) {
      this.#twice.delete(proxy);
      return;
    }
    const nowMs = this.#clock.nowMs();
    const known = this.#twice.get(proxy);
    if (known === undefined) this.#found();
    else if (nowMs - known.toldAtMs < AGAIN_MS) return;
    this.#twice.set(proxy, { foundAtMs: known?.foundAtMs ?? nowMs, toldAtMs: nowMs });
    const newestMs = Math.max(...having.map(({ sinceMs }) => sinceMs));
    for (const { holder, sinceMs } of having) if (sinceMs < newestMs) holder.letGo(proxy, newestMs);
  }
}
