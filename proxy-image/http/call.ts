import type { ResponseView } from './message.ts';

export type TryFailure =
  /** No byte of this try reached the other side, or it says that it has not processed it: another endpoint may get it, whatever the request is. */
  | 'unsent'
  /** A kept connection was closed by the other side before a byte of a response: it had most likely given it up before it read us (RFC 9112 section 9.3.1). */
  | 'stale'
  /** The connection or stream was lost after the request was sent. */
  | 'lost'
  /** What came back is no valid response. */
  | 'malformed'
  /** A tunnel was asked for, and the other side has none to give (RFC 8441 section 3). Nothing was sent. */
  | 'unsupported';

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
  /** The try ended before a response head was passed on. The call sends again or answers. */
  tryFailed(failure: TryFailure): void;
  /** All of the request has been handed to the present try. Once per try. */
  requestSent?(): void;
  /** The first byte of the body of the response, or its end without one. */
  firstByte?(): void;
  /** Answers to `exchange.collect`: the whole body without framing, or `null` when it is larger than was allowed. Then `exchange.answer`. */
  collected?(body: Buffer | null): void;
  /** Last call, exactly once. */
  ended(end: ExchangeEnd): void;
}
