import type { Clock } from '../runtime/clock.ts';
import type { ProxyFacts } from '../serve/proxy-facts.ts';
import { movesOf } from './balance.ts';

export interface MoverOptions {
  /** A proxy that has been here for less stays: it has just been moved, or comes from a replica that has ended. */
  minAgeMs: number;
  /** The leader tells so often that there are too many. */
  everyMs: number;
  clock: Clock;
  moved(count: number): void;
}

/** Of the interval: a message may come a little early. */
const AT_LEAST = 0.9;

/** Has proxies of this replica connect anew, by whichever leader and however often it is told that it has too many: only so many at a time. */
export class Mover {
  readonly #options: MoverOptions;
  #movedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: MoverOptions) {
    this.#options = options;
  }

  /** So many proxies are enough here: others have less than their share. */
  keep(facts: Pick<ProxyFacts, 'connections' | 'move'>, proxies: number): void {
    const { minAgeMs, everyMs, clock, moved } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs - this.#movedAtMs < everyMs * AT_LEAST) return;
    const count = movesOf(facts.connections().connected, proxies);
    if (count === 0) return;
    this.#movedAtMs = nowMs;
    moved(facts.move(count, minAgeMs));
  }
}
