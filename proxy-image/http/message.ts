import type { RouteMemo } from '../core/route/request.ts';

/** A request head as the stacks judge it, whatever version of HTTP it came in. */
export interface RequestView {
  /** `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`, as access logs write it. */
  readonly version: string;
  readonly method: string;
  /** Path and query (`*` of OPTIONS as it is): what is judged is what is forwarded. */
  readonly target: string;
  /** The target came, and goes on, with scheme and authority (RFC 9112 section 3.2.2): whoever has the port may be a proxy, and ask somebody else. */
  readonly absoluteForm: boolean;
  /** `Host` or `:authority`; empty when there is none. */
  readonly host: string;
  /** -1 = not announced. */
  readonly contentLength: number;
  /** `content-type: application/grpc`, alone or with a suffix or parameters, and no other type beside it. */
  readonly isGrpc: boolean;
  readonly isHead: boolean;
  /** RFC 9110 section 9.2.2. */
  readonly idempotent: boolean;
  /** `null` where request objects are not shared (HTTP/1). */
  readonly routeMemo: RouteMemo | null;
  /** Value of the first field of that (lower-case) name; empty when there is none. Not for the common path. */
  first(name: string): string;
  /** Values of all fields of that (lower-case) name, joined by comma and blank (RFC 9110 section 5.3); `null` when there is none. Not for the common path. */
  joined(name: string): string | null;
}

/** How the bytes of a request body are framed as they pass through the exchange: as HTTP/1 announces them, or not at all. */
export type RequestFraming = 'length' | 'chunked' | 'data';

/** … and as an exchange takes it: one of the two forms, which its codec and the bridge know (hack/adr/0005-versions-of-http.md). */
export interface RequestMessage extends RequestView {
  /** Asks for another protocol (HTTP/1 `Upgrade`). */
  readonly upgrade: boolean;
  /** CONNECT of HTTP/1. */
  readonly connect: boolean;
  /** Asks for a tunnel (HTTP/2 extended CONNECT). */
  readonly tunnels: boolean;
  readonly framing: RequestFraming;
  /** It names no host, which HTTP/1.0 and an empty `Host` may do. */
  readonly lacksHost: boolean;
  /** RFC 9110 section 7.6.2: hops that OPTIONS or TRACE may still make; -1 = any number, 0 = none: whoever has it answers. */
  readonly maxForwards: number;
}

/** A response head as the stacks judge it. */
export interface ResponseView {
  /** 100..599. */
  readonly status: number;
  /** Of a gRPC response that consists of its head only (trailers-only); NO_GRPC_STATUS otherwise. */
  readonly grpcStatus: number;
  /** `l5d-proxy-error`; empty when there is none. */
  readonly proxyError: string;
  first(name: string): string;
}

/** … and as it goes from one side of an exchange to the other, in the form that it came in. */
export interface ResponseMessage extends ResponseView {
  /** -1 = not announced. */
  readonly contentLength: number;
}

/** A trailer section, complete. Names are in lower case. */
export interface Trailers {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** NO_GRPC_STATUS when there is none. */
  readonly grpcStatus: number;
}

/** Fields that the proxy adds to a head: made once for many requests, or for one. Two are the same if their lines are. */
export class ExtraFields {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** The same as HTTP/1 field lines, each with CR LF. */
  readonly lines: string;

  /** Names in lower case; values without CR, LF or NUL: both are the proxy's own words. */
  constructor(fields: readonly (readonly [name: string, value: string])[]) {
    this.names = fields.map(([name]) => name);
    this.values = fields.map(([, value]) => value);
    this.lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  }

  /** These, and behind them the others. */
  with({ names, values }: ExtraFields): ExtraFields {
    const fields = [...this.names, ...names].map((name, at): [string, string] => [
      name,
      [...this.values, ...values][at]!,
    ]);
    return new ExtraFields(fields);
  }
}

export const NO_EXTRA_FIELDS: ExtraFields = new ExtraFields([]);
