import type { Exchange } from './exchange.ts';
import type { RequestView } from './message.ts';

/** What serves the requests of one client connection: the stacks, and the admin port. */
export interface HttpService {
  /**
   * A request head has arrived, valid only during the call. Sets `exchange.call`, then exactly one of: `exchange.answer`, `exchange.prepare`
   * followed, now or later, by `exchange.send`, or `exchange.collect`.
   */
  begin(exchange: Exchange, head: RequestView): void;
  /** Whether the client may read the proxy's reasons in `l5d-proxy-error` (the local application, and other proxies of the mesh). */
  readonly tellsErrors: boolean;
  /** CONNECT is a request as others, for whoever is behind the port; false: it is refused with 501. */
  readonly takesConnect: boolean;
  /**
   * The client has sent what is no request, or not got on with it: it was answered without `begin`, or the stream or connection was broken off. `answer`: the
   * status, or the name of HTTP/2's error code; `reason`: a constant text.
   */
  requestRefused(answer: string, reason: string): void;
  /** The connection is ended: part of a head kept it waiting while too many others did. */
  headShed(): void;
  /** The connection left HTTP (it was upgraded) or is gone. Once. */
  released(): void;
}
