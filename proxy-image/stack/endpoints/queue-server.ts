import type { EndpointPool } from '../../core/balance/pool.ts';
import type { QueueKeeper } from '../../core/balance/queue.ts';
import type { Timer, TimerOwner, Transport } from '../../io/transport/types.ts';

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
  #serving = false;
  /** Something has changed while guests were looking. */
  #again = false;
  /** By the awake clock. */
  #armedMs: number = Number.POSITIVE_INFINITY;

  constructor(pool: EndpointPool, transport: Transport) {
    this.#pool = pool;
    this.#transport = transport;
    this.#timer = transport.timers.create(this, 'peer');
  }

  entered(): void {
    if (!this.#scheduled && !this.#serving) this.#arm();
  }

  woken(): void {
    this.#again = this.#serving;
    if (this.#scheduled || this.#serving) return;
    this.#scheduled = true;
    this.#transport.atEndOfTurn(this.#turn);
  }

  onTimer(): void {
    this.#armedMs = Number.POSITIVE_INFINITY;
    if (!this.#scheduled) this.#serve();
  }

  #serve(): void {
    this.#scheduled = false;
    this.#serving = true;
    this.#again = false;
    let goesOn = false;
    try {
      goesOn = this.#letLook();
    } finally {
      this.#serving = false;
    }
    if (this.#pool.queue.first === null) return;
    if (goesOn || this.#again) this.woken();
    else this.#arm();
  }

  /** True: there is more to do than one turn is for. */
  #letLook(): boolean {
    const { queue } = this.#pool;
    let passed = 0;
    for (let guests = 0; queue.first !== null; guests++) {
      if (guests === GUESTS_PER_TURN) return true;
      if (queue.first.guest.lookAgain()) continue;
      if (this.#isVain || ++passed >= Math.min(PASSED_OVER, queue.size)) return false;
      queue.passOver();
    }
    return false;
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
