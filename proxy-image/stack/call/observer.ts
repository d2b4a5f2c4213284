import type { RecoveryReason } from '../../core/retry/recover.ts';
import type { ExchangeEnd } from '../../http/call.ts';
import type { RequestView, ResponseView } from '../../http/message.ts';

/**
 * Hears what becomes of every call, and changes nothing; it may have the pieces of bodies counted (`Exchange.requestMeter`). `C`: the record of the call, of which everything may be read, during the event only: it is used again.
 * `E`: what a failure counts as. An attempt is what is sent to one endpoint or address; a call may have several, one after the other, or none.
 */
export interface CallObserver<C, E> {
  /** Where it goes is known, as far as its head tells. Once per call that goes anywhere. `head` is valid during the event. */
  requestHead(call: C, head: RequestView): void;
  /** It has a connection, or a stream of one, on which it is sent. */
  attemptStart(call: C): void;
  /** The head of the final response, before it is passed on. */
  responseHead(call: C, head: ResponseView): void;
  /** The first byte of the body of the response, or its end without one. */
  firstByte(call: C): void;
  /**
   * An attempt has ended: with a response (`error` null), or without. It need not have been sent (`attemptStart`): there may have been no endpoint, or no
   * connection. `endMs`: its first byte, or when it was given up; monotonic.
   */
  attemptEnd(call: C, error: E | null, endMs: number): void;
  /** The retry policy of the route has spoken about an attempt that ended. `call.retries` are those before. */
  retryDecided(call: C, reason: RecoveryReason): void;
  /** Last event. */
  end(call: C, end: ExchangeEnd): void;
}

/** All of them as one, in their order, and a place for one that comes and goes. */
export function together<C, E>(observers: readonly CallObserver<C, E>[]): Observers<C, E> {
  const [first, ...more] = observers;
  return new Observers(more.reduce((before, next) => new Observers(before, next), first!));
}

/** One, and where there is another behind it, that too. A call may begin or end without the other: one that comes later hears of the rest of what is under way. */
export class Observers<C, E> implements CallObserver<C, E> {
  readonly #first: CallObserver<C, E>;
  late: CallObserver<C, E> | null;

  constructor(first: CallObserver<C, E>, late: CallObserver<C, E> | null = null) {
    this.#first = first;
    this.late = late;
  }

  requestHead(call: C, head: RequestView): void {
    this.#first.requestHead(call, head);
    this.late?.requestHead(call, head);
  }

  attemptStart(call: C): void {
    this.#first.attemptStart(call);
    this.late?.attemptStart(call);
  }

  responseHead(call: C, head: ResponseView): void {
    this.#first.responseHead(call, head);
    this.late?.responseHead(call, head);
  }

  firstByte(call: C): void {
    this.#first.firstByte(call);
    this.late?.firstByte(call);
  }

  attemptEnd(call: C, error: E | null, endMs: number): void {
    this.#first.attemptEnd(call, error, endMs);
    this.late?.attemptEnd(call, error, endMs);
  }

  retryDecided(call: C, reason: RecoveryReason): void {
    this.#first.retryDecided(call, reason);
    this.late?.retryDecided(call, reason);
  }

  end(call: C, end: ExchangeEnd): void {
    this.#first.end(call, end);
    this.late?.end(call, end);
  }
}
