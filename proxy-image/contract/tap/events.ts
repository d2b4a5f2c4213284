/**
 * What a proxy tells of the traffic that passes through it. Every event says all of whose it is, so that it can be shown where another of the same call was dropped.
 * Texts are as the peers sent them, cut where they are too long, but for what is secret: they are not fit for a terminal.
 */
export type TapEvent = TapListening | TapRequest | TapResponse | TapEnd | TapOpened | TapClosed | TapMissed;

/** First: from here on all that is wanted is told. Now and then again, as a sign of life. */
export interface TapListening {
  type: 'listening';
}

/** Whose an event is. */
export interface TapFlow {
  /** Of the request or connection, among those that this question is told of. */
  id: number;
  direction: 'inbound' | 'outbound';
  src: TapAddress;
  /** Of a call of the pod: the endpoint, and before one is chosen, or where there was none, what the application wanted to reach. */
  dst: TapAddress;
  /** `true`, or why there is none, as metrics say it (`no_tls_reason`). */
  tls: string;
  /** What decided, as metrics label it: `route_name`, `srv_name`, … */
  route: Record<string, string>;
}

export interface TapAddress {
  ip: string;
  port: number;
  /** From a verified certificate; empty where there is none. */
  identity: string;
  /** Of an endpoint from discovery. */
  labels: Record<string, string>;
}

/** A request: it has been sent on, or answered by the proxy itself. */
export interface TapRequest extends TapFlow {
  type: 'request';
  /** `HTTP/1.1`, `HTTP/2.0`. */
  version: string;
  scheme: string;
  method: string;
  authority: string;
  /** Path and query. */
  path: string;
  headers: TapHeader[];
}

/** `redacted` in place of a value that is nobody's to see. */
export type TapHeader = [name: string, value: string];

/** The head of the final response; of a gRPC call that has nothing else, all of it. */
export interface TapResponse extends TapFlow {
  type: 'response';
  status: number;
  /** From the head of the request. */
  latencyUs: number;
  headers: TapHeader[];
}

export interface TapEnd extends TapFlow {
  type: 'end';
  /** From the head of the response; 0 where there was none. */
  durationUs: number;
  /** From the head of the request. */
  totalUs: number;
  /** 0 = no response. */
  status: number;
  /** `null` where it is no gRPC, or has none. */
  grpcStatus: number | null;
  requestBytes: number;
  responseBytes: number;
  end: 'complete' | 'cancelled' | 'truncated';
  /** Error code with which the server has reset the stream (HTTP/2); `null` = it has not. */
  resetCode: number | null;
  /** Attempts after the first. */
  retries: number;
  /** What the proxy holds against the last attempt, as metrics say it; empty: nothing. */
  error: string;
}

/** A connection that is carried as bytes. */
export interface TapOpened extends TapFlow {
  type: 'opened';
}

export interface TapClosed extends TapFlow {
  type: 'closed';
  durationUs: number;
  /** From the client to the server, and back. */
  sentBytes: number;
  receivedBytes: number;
  /** Empty: in order. */
  error: string;
}

/** So many events were dropped, for whoever asked does not take them fast enough. Comes before the next event. */
export interface TapMissed {
  type: 'missed';
  events: number;
}

/** In place of values of header fields that prove who somebody is. */
export const REDACTED = 'redacted';

/** Fields whose values are never told, whatever is configured: they prove who somebody is (RFC 9110 section 11, RFC 6265). In lower case. */
export const ALWAYS_REDACTED: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
]);

/** Longest text of an event, characters, and most header fields of a head: a head may have 64 KiB. */
export const TAP_TEXT = { length: 4_096, headers: 64 } as const;
