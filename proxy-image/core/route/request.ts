/** What rules were found to say of a request object last. Header lists of HTTP/2 are shared by equal requests, so that most are matched once. */
export interface RouteMemo {
  table: object | null;
  rule: number;
  /** The same of the rules of an inbound port. */
  portRules: object | null;
  portRule: number;
}

/** What rules look at of one request. Texts are made when they are asked for: where there are no rules, none is. */
export interface RequestFacts {
  readonly method: string;
  /** Path and query, as received. */
  readonly target: string;
  /** The target came with scheme and authority: whoever has the port may be a proxy, and ask somebody else. */
  readonly absoluteForm: boolean;
  /** gRPC's content type. */
  readonly isGrpc: boolean;
  /** `Host` or `:authority`; empty when there is none. */
  readonly host: string;
  /** Absent where request objects are not shared (HTTP/1). */
  readonly routeMemo?: RouteMemo | null;
  /** Values of all fields of that (lower-case) name, joined by a comma; `null` when there is none. */
  joined(name: string): string | null;
}
