import type { Timer, TimerOwner, Timers } from '../io/transport/types.ts';
import type { Stack } from '../stack/stack.ts';

export interface DepartureParts {
  timers: Timers;
  stack: Pick<Stack, 'drain' | 'arrivals'>;
  /** After a signal everything goes on for so long (Linkerd: `proxy-wait-before-exit-seconds`). */
  waitMs: number;
  /** Longest drain. */
  graceMs: number;
  /** Whether the application is still there; `null` where the proxy is ended after it anyway, as a native sidecar is. */
  isApplicationThere: (() => boolean) | null;
  /** Called once. */
  ended: (reason: string) => void;
}

const LOOK_MS = 200;
/**
 * Neither a socket of the application nor a new connection for so long means that it has ended. A process may be without a socket between two calls; a pod ends
 * that much later than its application.
 */
export const QUIET_MS = 2_000;

/**
 * How a proxy leaves: it waits where it was told to, lets every connection end at its next message boundary, and ends when nothing is in flight. An ordinary
 * container gets SIGTERM in the same moment as its application, which needs the network for its own shutdown: such a proxy also stays while the application is
 * there (hack/adr/0009-last-out.md). That never makes a pod end later than its slowest container by more than `QUIET_MS`.
 */
export class Departure implements TimerOwner {
  readonly #parts: DepartureParts;
  readonly #waitTimer: Timer;
  readonly #graceTimer: Timer;
  readonly #lookTimer: Timer;
  #state: 'here' | 'waiting' | 'leaving' | 'gone' = 'here';
  #stays = false;
  #quietSinceMs = 0;
  #arrivals = 0;

  constructor(parts: DepartureParts) {
    this.#parts = parts;
    this.#waitTimer = parts.timers.create(this);
    this.#graceTimer = parts.timers.create(this);
    this.#lookTimer = parts.timers.create(this);
  }

  /** A signal, which the application gets too. */
  signalled(): void {
    if (this.#state !== 'here') return;
    this.#stays = this.#parts.isApplicationThere !== null;
    this.#state = 'waiting';
    if (this.#parts.waitMs > 0) this.#parts.timers.set(this.#waitTimer, this.#parts.waitMs);
    else this.#leave();
  }

  /** Somebody who knows says that the application has ended (`POST /shutdown`): what a signal has begun is cut short. */
  dismissed(): void {
    this.#stays = false;
    if (this.#state === 'here' || this.#state === 'waiting') this.#leave();
  }

  /** Stops whatever is pending. */
  stop(): void {
    this.#state = 'gone';
    for (const timer of [this.#waitTimer, this.#graceTimer, this.#lookTimer]) this.#parts.timers.clear(timer);
  }

  onTimer(timer: Timer): void {
    if (timer === this.#waitTimer) this.#leave();
    else if (timer === this.#lookTimer) this.#drain();
    else this.#end('the grace period is over');
  }

  #leave(): void {
    const { timers, stack, graceMs } = this.#parts;
    this.#state = 'leaving';
    timers.clear(this.#waitTimer);
    timers.set(this.#graceTimer, graceMs);
    this.#quietSinceMs = timers.nowMs();
    this.#arrivals = stack.arrivals;
    this.#drain();
  }

  #drain(): void {
    this.#parts.stack.drain().then(() => this.#look());
  }

  #look(): void {
    if (this.#state !== 'leaving') return;
    if (!this.#stays) {
      this.#end('nothing is in flight');
      return;
    }
    const { timers, stack, isApplicationThere } = this.#parts;
    const nowMs = timers.nowMs();
    if (stack.arrivals !== this.#arrivals || isApplicationThere?.() === true) this.#quietSinceMs = nowMs;
    this.#arrivals = stack.arrivals;
    if (nowMs - this.#quietSinceMs >= QUIET_MS) this.#end('the application has ended');
    else timers.set(this.#lookTimer, LOOK_MS);
  }

  #end(reason: string): void {
    if (this.#state === 'gone') return;
    this.stop();
    this.#parts.ended(reason);
  }
}
