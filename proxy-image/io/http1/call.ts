import type { Exchange } from './exchange.ts';
import type { RequestHead, ResponseHead } from './head.ts';

/** What serves the requests of one client connection: the stacks, and the admin port. */
export interface HttpService {
  /**
   * A request head has arrived, valid only during the call. Sets `exchange.call`, then exactly one of: `exchange.answer`, or `exchange.prepare`
   * followed, now or later, by `exchange.send`.
   */
  begin(exchange: Exchange, head: RequestHead): void;
  /** Whether the client may read the proxy's reasons in `l5d-proxy-error` (the local application, and other proxies of the mesh). */
  readonly tellsErrors: boolean;
  /** The connection left HTTP (it was upgraded) or is gone. Once. */
  released(): void;
}

export type TryFailure =
  /** No byte of this try reached the other side: another endpoint may get it, whatever the request is. */
  | 'unsent'
  /** A kept connection was closed by the other side before a byte of a response: it had most likely given it up before it read us (RFC 9112 section 9.3.1). */
  | 'stale'
  /** The connection was lost after the request was sent. */
  | 'lost'
  /** What came back is no valid response. */
  | 'malformed';

export type ExchangeEnd =
  /** The response has been passed on, whole, or the proxy's own answer written. */
  | 'complete'
  /** The client left, or its request turned out malformed in its body. */
  | 'cancelled'
  /** The response broke off after its head was passed on: the client's connection was reset. */
  | 'truncated';

/** Decides for one request. Pooled by its maker like the exchange itself: nothing is allocated per request. */
export interface HttpCall {
  /**
   * The head of a final response. True: pass it on. False: the call has another plan (a retry, or an answer of its own); the rest of this response is
   * dropped.
   */
  responded(head: ResponseHead): boolean;
  /** The try ended before a response head. The call sends again or answers. */
  tryFailed(failure: TryFailure): void;
  /** The deadline set with `exchange.setDeadline` has passed; no response head was passed on yet. */
  timedOut(): void;
  /** Last call, exactly once. */
  ended(end: ExchangeEnd): void;
}
