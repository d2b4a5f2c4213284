import type { AttemptEnd } from '../core/retry/recover.ts';
import type { ResponseView } from './message.ts';

/** How an attempt may end before there is a response to pass on. */
export type AttemptFailure = Extract<AttemptEnd, 'unsent' | 'stale' | 'lost' | 'malformed' | 'unsupported'>;

export type ExchangeEnd =
  /** The response has been passed on, whole, or the proxy's own answer written. */
  | 'complete'
  /** The client left, or its request turned out malformed in its body. */
  | 'cancelled'
  /** The response broke off after its head was passed on: the client's connection or stream was reset. */
  | 'truncated';

/** Decides for one request. Pooled by its maker like the exchange itself: nothing is allocated per request. */
export interface HttpCall {
  /**
   * The head of a final response. True: pass it on. False: the call has another plan (a retry, or an answer of its own); the rest of this response is
   * dropped.
   */
  responded(head: ResponseView): boolean;
  /** The attempt ended before a response head was passed on. The call sends again or answers. */
  attemptFailed(failure: AttemptFailure): void;
  /** All of the request has been handed to the present attempt. Once per attempt. */
  requestSent?(): void;
  /** The first byte of the body of the response, or its end without one. */
  firstByte?(): void;
  /** Answers to `exchange.collect`: the whole body without framing, or `null` when it is larger than was allowed. Then `exchange.answer`. */
  collected?(body: Buffer | null): void;
  /** Last call, exactly once. */
  ended(end: ExchangeEnd): void;
}
