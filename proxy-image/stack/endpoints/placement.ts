import type { QueueLimits } from '../../contract/policy/queue.ts';
import type { EndpointState } from '../../core/balance/endpoint.ts';
import { type NoEndpointReason, pickEndpoint, whyNone } from '../../core/balance/pick.ts';
import { type QueueDecision, type QueueGuest, QueuePlace } from '../../core/balance/queue.ts';
import { attempted, provenBySilence } from '../../core/balance/reach.ts';
import type { BalanceEntry } from '../../core/state/entries.ts';
import type { StackOptions } from '../shared/options.ts';
import { QueueServer } from './queue-server.ts';

export interface PlacementOwner {
  /** It goes to the endpoint. */
  placed(endpoint: EndpointState): void;
  /** There was no endpoint for too long, or too many wait for one. */
  notPlaced(decision: Exclude<QueueDecision, 'wait'>, reason: NoEndpointReason): void;
  /** Makes a connection in the background, with nothing at stake. False: only sending something there can tell. */
  reconnects(endpoint: EndpointState): boolean;
}

const NONE_TRIED: readonly EndpointState[] = [];

/**
 * Finds an endpoint for a request or a stream, which waits where none can be had: in the order of arrival, among a bounded number, until one comes, is reached
 * again or is let in by circuit breaking, or until there has been none for the fail-fast time. Reused.
 */
export class Placement implements QueueGuest {
  readonly #options: StackOptions;
  readonly #owner: PlacementOwner;
  readonly #place: QueuePlace = new QueuePlace(this);
  #balance: BalanceEntry | null = null;
  #hash = 0;

  constructor(options: StackOptions, owner: PlacementOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  get limits(): QueueLimits {
    return this.#balance!.queue;
  }

  /** Calls the owner, within this call or later. */
  find(balance: BalanceEntry, hash: number): void {
    this.#balance = balance;
    this.#hash = hash;
    const endpoint = this.pick(balance, NONE_TRIED, hash);
    if (endpoint === null) this.#enter(balance);
    else {
      balance.pool.placedAtOnce++;
      this.#owner.placed(endpoint);
    }
  }

  /** An endpoint that can be had at once and is none of `tried`. */
  pick(balance: BalanceEntry, tried: readonly EndpointState[], hash: number): EndpointState | null {
    const { rng } = this.#options;
    for (;;) {
      const nowMs = this.#nowMs;
      const endpoint = pickEndpoint(balance.pool, balance, tried, rng, nowMs, hash);
      if (endpoint === null || endpoint.connectFailures === 0 || provenBySilence(endpoint)) return endpoint;
      // Its rest is over. Each turn of the loop takes one endpoint out of the choice.
      attempted(endpoint, nowMs);
      if (endpoint.needsResponse || !this.#owner.reconnects(endpoint)) return endpoint;
    }
  }

  #enter(balance: BalanceEntry): void {
    const { pool } = balance;
    pool.queue.keeper ??= new QueueServer(pool, this.#options.transport);
    const decision = pool.queue.enter(this.#place, this.#awakeMs);
    if (decision !== 'wait') this.#owner.notPlaced(decision, whyNone(pool, balance));
  }

  lookAgain(): boolean {
    const balance = this.#balance!;
    const { pool } = balance;
    const endpoint = this.pick(balance, NONE_TRIED, this.#hash);
    if (endpoint === null && !pool.queue.failsFast(balance.queue, this.#awakeMs)) return false;
    this.cancel();
    if (endpoint !== null) this.#owner.placed(endpoint);
    else this.#owner.notPlaced('failfast', whyNone(pool, balance));
    return true;
  }

  /** Waits no longer. */
  cancel(): void {
    this.#place.queue?.leave(this.#place, this.#awakeMs);
  }

  /** How long endpoints may take is a deadline on peers: what this process was not there to notice is not held against them. */
  get #awakeMs(): number {
    return this.#options.transport.timers.awakeMs();
  }

  get #nowMs(): number {
    return this.#options.transport.timers.nowMs();
  }
}
