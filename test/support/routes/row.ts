/**
 * Rows of what HTTPRoute and GRPCRoute do to a request. They say nothing of how they are driven: through parser, compiler and a proxy's decision, or on the
 * wire. The Services that they speak of are those of `world.ts`.
 */
export interface RouteRow {
  /** What the row shows. */
  title: string;
  /** The rule that it follows: a type of the Gateway API with its field, a GEP with its section, or a page of Linkerd's documentation. */
  rule: string;
  /** Raw Kubernetes objects beside the world. */
  objects: readonly object[];
  request: RouteRequest;
  expect: RouteExpectation;
}

export interface RouteRequest {
  /** `GET` where nothing is said; of a call of gRPC `POST`. */
  method?: string;
  /** Path and query; of a call of gRPC `/<service>/<method>`. */
  target: string;
  /** As a client writes them; a repeated name is a line of its own. */
  headers?: readonly (readonly [name: string, value: string])[];
  grpc?: boolean;
  /** The Service that is called; `web` where nothing is said. */
  service?: string;
  /** Its port; 80 where nothing is said. */
  port?: number;
  /** Namespace of the client; `shop`, which is that of the Services, where nothing is said. */
  from?: string;
}

export interface RouteExpectation {
  /** Shares of the Services that answer, in percent; what is not listed gets nothing. `invalid`: answered with `status` in that share. */
  shares?: Readonly<Record<string, number>>;
  /** The one Service that answers. */
  backend?: string;
  /** Of an answer by the proxy itself; of a share that is invalid. */
  status?: number;
  /** Status code of gRPC of such an answer. */
  grpcStatus?: number;
  /** Of a redirect. */
  location?: string;
  /** What the backend sees: path and query. */
  target?: string;
  /** `Host` or `:authority` that the backend sees. */
  host?: string;
  /** Request headers that the backend sees, repeated ones joined by a comma; `null`: absent. */
  requestHeaders?: Readonly<Record<string, string | null>>;
  /** The same of the response that the client sees; the world's Services answer with `x-server: echo` and `x-kind: plain`. */
  responseHeaders?: Readonly<Record<string, string | null>>;
  /** Services that get a copy, and the share of the requests in percent. */
  mirrors?: Readonly<Record<string, number>>;
  /** Milliseconds that the request is held up. */
  delayMs?: number;
  /** `namespace/name` of the route that decided, and the name of its rule. */
  route?: string;
  section?: string;
  /** Milliseconds. */
  timeouts?: { requestMs?: number; attemptMs?: number; responseMs?: number; idleMs?: number };
  retry?: { http?: [number, number][]; grpc?: number[]; limit?: number; backoffMs?: number } | null;
}
