import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Component } from '../runtime/manager.ts';
import { judgeBalance } from './balance.ts';

export interface BalanceTiming {
  /** For so long replicas have to be the same, and proxies to come and go in ones and twos, before anybody is moved. */
  settledMs: number;
  /** As `MoverOptions`. */
  minAgeMs: number;
  everyMs: number;
}

/** A rollout takes a replica after the other; each one's proxies are back within ten seconds. What has just come is left where it is. */
export const BALANCE_TIMING: BalanceTiming = { settledMs: 30_000, minAgeMs: 300_000, everyMs: 1_000 };

export interface RebalancingOptions extends Pick<BalanceTiming, 'settledMs' | 'everyMs'> {
  /** Proxies of each replica, by its name; `null`: they are not all known, or one of the replicas comes or goes. */
  counts(): ReadonlyMap<string, number> | null;
  /** So many proxies are enough for this replica. */
  keep(replica: string, proxies: number): void;
  clock: Clock;
  log: Log;
}

/** So many more or fewer proxies of all replicas are a storm: a rollout of an application, a node that is gone. */
const STORM = { factor: 0.05, extra: 20 };

/** While everything is calm. `total`: proxies of all replicas when it began to be. */
interface Calm {
  replicas: string;
  total: number;
  sinceMs: number;
}

/** The leader tells replicas that have many more proxies than others how many are enough; each of them moves a few in a second (`Mover`). */
export class Rebalancing implements Component {
  readonly name = 'balance of proxies';
  readonly #options: RebalancingOptions;
  #calm: Calm | null = null;
  #moving = false;
  #timer: Timer | null = null;

  constructor(options: RebalancingOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#again();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
  }

  #again(): void {
    this.#timer = this.#options.clock.schedule(this.#options.everyMs, () => {
      this.#again();
      this.#look();
    });
  }

  #look(): void {
    const { settledMs, clock, keep } = this.#options;
    const counts = this.#options.counts();
    this.#calm = counts === null ? null : calmOf(this.#calm, counts, clock.nowMs());
    if (counts === null || clock.nowMs() - this.#calm!.sinceMs < settledMs) {
      this.#moving = false;
      return;
    }
    const balance = judgeBalance(counts, this.#moving);
    this.#note(balance.type === 'uneven', counts);
    if (balance.type !== 'uneven') return;
    for (const replica of balance.over) keep(replica, balance.keep);
  }

  #note(moving: boolean, counts: ReadonlyMap<string, number>): void {
    if (moving === this.#moving) return;
    this.#moving = moving;
    const message = moving
      ? 'replicas have uneven numbers of proxies: some are moved'
      : 'replicas have even numbers of proxies';
    this.#options.log.info(message, { proxies: Object.fromEntries(counts) });
  }
}

/** The same for as long as there are the same replicas, and about as many proxies. */
function calmOf(before: Calm | null, counts: ReadonlyMap<string, number>, nowMs: number): Calm {
  const replicas = [...counts.keys()].sort().join();
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const isSame =
    before?.replicas === replicas && Math.abs(total - before.total) <= before.total * STORM.factor + STORM.extra;
  return isSame ? before : { replicas, total, sinceMs: nowMs };
}
