import type { Timer, TimerOwner, Transport } from '../transport/types.ts';
import type { DialError } from './dial.ts';
import { CONNECT_PATIENCE_MS, type Prospect, type Waiter } from './host.ts';

/** So many are sent away in one turn of the loop: each looks for another target at once. */
const LEAVING_PER_TURN = 64;

/** The requests that wait for a connection to one target, and those who only want to know whether there is one. */
export class HostQueue implements TimerOwner {
  readonly #transport: Transport;
  readonly #waiters: Waiter[] = [];
  #prospects: Prospect[] = [];
  readonly #patience: Timer;
  #impatient = false;
  /** Sent away, but not told yet. */
  #leaving: Waiter[] = [];
  /** Why; `null` = the attempt takes long. */
  #reason: DialError | null = null;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#patience = transport.timers.create(this, 'peer');
  }

  get length(): number {
    return this.#waiters.length;
  }

  get isEmpty(): boolean {
    return this.#waiters.length === 0 && this.#prospects.length === 0;
  }

  get first(): Waiter | undefined {
    return this.#waiters[0];
  }

  push(waiter: Waiter): void {
    this.#waiters.push(waiter);
  }

  shift(): Waiter | undefined {
    return this.#waiters.shift();
  }

  cancel(waiter: Waiter): void {
    remove(this.#waiters, waiter);
    if (this.#leaving.length > 0) remove(this.#leaving, waiter);
  }

  /** No connection is open: those that wait have to be patient. */
  watchAttempt(): void {
    if (this.#impatient) return;
    this.#impatient = true;
    this.#transport.timers.set(this.#patience, CONNECT_PATIENCE_MS);
  }

  onTimer(): void {
    this.#impatient = false;
    const impatient = this.#waiters.filter((waiter) => !waiter.patient);
    if (impatient.length === 0) return;
    const patient = this.#waiters.filter((waiter) => waiter.patient);
    this.#waiters.splice(0, this.#waiters.length, ...patient);
    this.#sendAway(impatient, null);
  }

  /** A connection has been made. */
  connected(): void {
    this.#impatient = false;
    this.#transport.timers.clear(this.#patience);
  }

  expect(prospect: Prospect): void {
    this.#prospects.push(prospect);
  }

  /** A connection can be had. */
  reached(): void {
    if (this.#prospects.length === 0) return;
    const told = this.#prospects;
    this.#prospects = [];
    for (const prospect of told) prospect.reached();
  }

  /** An attempt has failed: for as many as it was made for. */
  failed(count: number, error: DialError): void {
    const told = this.#prospects;
    this.#prospects = [];
    for (const prospect of told) prospect.notReached(error);
    this.#sendAway(this.#waiters.splice(0, count), error);
  }

  #sendAway(waiters: Waiter[], reason: DialError | null): void {
    if (waiters.length <= LEAVING_PER_TURN && this.#leaving.length === 0) {
      for (const waiter of waiters) tell(waiter, reason);
      return;
    }
    const isFirst = this.#leaving.length === 0;
    this.#leaving = isFirst ? waiters : this.#leaving.concat(waiters);
    this.#reason = reason;
    if (isFirst) this.#tellSome();
  }

  #tellSome(): void {
    for (const waiter of this.#leaving.splice(0, LEAVING_PER_TURN)) tell(waiter, this.#reason);
    if (this.#leaving.length > 0) this.#transport.atEndOfTurn(() => this.#tellSome());
  }
}

function tell(waiter: Waiter, reason: DialError | null): void {
  if (reason === null) waiter.leaseDelayed();
  else waiter.leaseFailed(reason);
}

function remove(waiters: Waiter[], waiter: Waiter): void {
  const index = waiters.indexOf(waiter);
  if (index !== -1) waiters.splice(index, 1);
}
