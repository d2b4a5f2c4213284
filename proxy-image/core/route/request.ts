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
  /** Values of all fields of that (lower-case) name, joined by a comma; `null` when there is none. */
  joined(name: string): string | null;
}
