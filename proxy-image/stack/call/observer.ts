import type { RecoveryReason } from '../../core/retry/recover.ts';
import type { ExchangeEnd } from '../../http/call.ts';
import type { RequestView, ResponseView } from '../../http/message.ts';

/**
 * Hears what becomes of every call, and changes nothing. `C`: the record of the call, of which everything may be read, during the event only: it is used again.
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

/** All of them as one, in their order. */
export function together<C, E>(observers: readonly CallObserver<C, E>[]): CallObserver<C, E> {
  return observers.length === 1 ? observers[0]! : new Together(observers);
}

class Together<C, E> implements CallObserver<C, E> {
  readonly #observers: readonly CallObserver<C, E>[];

  constructor(observers: readonly CallObserver<C, E>[]) {
    this.#observers = observers;
  }

  requestHead(call: C, head: RequestView): void {
    for (const observer of this.#observers) observer.requestHead(call, head);
  }

  attemptStart(call: C): void {
    for (const observer of this.#observers) observer.attemptStart(call);
  }

  responseHead(call: C, head: ResponseView): void {
    for (const observer of this.#observers) observer.responseHead(call, head);
  }

  firstByte(call: C): void {
    for (const observer of this.#observers) observer.firstByte(call);
  }

  attemptEnd(call: C, error: E | null, endMs: number): void {
    for (const observer of this.#observers) observer.attemptEnd(call, error, endMs);
  }

  retryDecided(call: C, reason: RecoveryReason): void {
    for (const observer of this.#observers) observer.retryDecided(call, reason);
  }

  end(call: C, end: ExchangeEnd): void {
    for (const observer of this.#observers) observer.end(call, end);
  }
}
