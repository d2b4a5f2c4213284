/** Changes of header fields, in this order: add, set, remove (linkerd2-proxy: modify_header). Names are lower case. */
export interface HeaderChanges {
  add: { name: string; value: string }[];
  set: { name: string; value: string }[];
  remove: string[];
}

/** Another path: all of it, or of its part that a `pathPrefix` of the rule has matched (`prefix`, as that match writes it). */
export type PathChange = { type: 'full'; path: string } | { type: 'prefix'; prefix: string; path: string };

/**
 * What a rule or a backend does to a request or its response, in the order of the list. A proxy that does not know a type fails the rule closed (500).
 * `hostname`, `scheme` and `port` of a redirect: empty or 0 = as requested (Gateway API: HTTPRequestRedirectFilter). `fail` and `delay` are injected faults:
 * `ratio` 0..1 of the requests is answered with `status` (a gRPC call with `grpcStatus`), or held up for `ms`. `mirror`: `ratio` 0..1 of the requests is sent
 * to the backend of that index too, and its response dropped.
 */
export type Filter =
  | { type: 'requestHeaders'; changes: HeaderChanges }
  | { type: 'responseHeaders'; changes: HeaderChanges }
  | { type: 'rewrite'; hostname: string; path: PathChange | null }
  | { type: 'redirect'; scheme: string; hostname: string; port: number; path: PathChange | null; status: number }
  | { type: 'fail'; status: number; grpcStatus: number; message: string; ratio: number }
  | { type: 'delay'; ms: number; ratio: number }
  | { type: 'mirror'; backend: number; ratio: number };
