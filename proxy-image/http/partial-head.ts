import { type Gate, Place, type Waiting } from '../core/overload/gate.ts';
import { peerOf } from '../core/overload/peer.ts';
import type { Connection, Timers } from '../io/transport/types.ts';
import type { HttpService } from './service.ts';

/** How many heads of requests may have begun without being complete. */
export interface HeadGate {
  readonly timers: Timers;
  readonly heads: Gate;
}

/** Part of a head, which waits for the rest of it, on the account of its client. Made for connections whose heads do not come in one piece. */
export class PartialHead implements Waiting {
  readonly #place: Place = new Place(this);
  readonly #gate: HeadGate;
  readonly #connection: Connection;
  readonly #service: HttpService;

  constructor(gate: HeadGate, connection: Connection, service: HttpService) {
    this.#gate = gate;
    this.#connection = connection;
    this.#service = service;
  }

  /** Of a head that has begun already: without effect. */
  began(): void {
    const { heads, timers } = this.#gate;
    if (this.#place.peer === null) heads.enter(this.#place, peerOf(this.#connection.remote.ip), timers.nowMs());
  }

  ended(): void {
    this.#gate.heads.leave(this.#place);
  }

  /** Too many are in the middle of a head, and this one has been longest. */
  shed(): void {
    this.#service.headShed();
    this.#connection.reset();
  }
}
