import type { EndpointPool } from '../core/balance/pool.ts';
import type { QueueKeeper } from '../core/balance/queue.ts';
import type { Timer, TimerOwner, Transport } from '../io/transport/types.ts';

/** So many look again in one turn of the loop: placing a request costs a few microseconds, and others want the loop too. */
const GUESTS_PER_TURN = 64;
/** So many may find nothing before the others wait for the next change: they differ in rules only where Services share endpoints. */
const PASSED_OVER = 4;
/** A look in any case. */
const LONGEST_MS = 1000;

/** Lets those who wait for an endpoint of one pool look again, the oldest first: when something has changed, and when a rest or their time is over. */
export class QueueServer implements QueueKeeper, TimerOwner {
  readonly #pool: EndpointPool;
  readonly #transport: Transport;
  readonly #timer: Timer;
  readonly #turn = (): void => this.#serve();
  #scheduled = false;
  /** By the awake clock. */
  #armedMs: number = Number.POSITIVE_INFINITY;

  constructor(pool: EndpointPool, transport: Transport) {
    this.#pool = pool;
    this.#transport = transport;
    this.#timer = transport.timers.create(this, 'peer');
  }

  entered(): void {
    if (!this.#scheduled) this.#arm();
  }

  woken(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#transport.atEndOfTurn(this.#turn);
  }

  onTimer(): void {
    this.#armedMs = Number.POSITIVE_INFINITY;
    if (!this.#scheduled) this.#serve();
  }

  #serve(): void {
    this.#scheduled = true;
    const { queue } = this.#pool;
    let guests = GUESTS_PER_TURN;
    let passed = 0;
    while (queue.first !== null && guests-- > 0) {
      if (queue.first.guest.lookAgain()) continue;
      if (this.#isVain || ++passed >= Math.min(PASSED_OVER, queue.size)) break;
      queue.passOver();
    }
    this.#scheduled = false;
    if (queue.first === null) return;
    if (guests < 0) this.woken();
    else this.#arm();
  }

  get #isVain(): boolean {
    return this.#pool.noneUntilMs(false) > this.#transport.timers.nowMs();
  }

  #arm(): void {
    const { queue, nextMs } = this.#pool;
    const { timers } = this.#transport;
    const awakeMs = timers.awakeMs();
    const restMs = nextMs - timers.nowMs();
    const delayMs = Math.max(0, Math.min(queue.failsAtMs - awakeMs, restMs > 0 ? restMs : LONGEST_MS, LONGEST_MS));
    if (awakeMs + delayMs >= this.#armedMs) return;
    this.#armedMs = awakeMs + delayMs;
    timers.set(this.#timer, delayMs);
  }
}
