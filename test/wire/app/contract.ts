/** What the runner asks a pod to do, and what it is told. One line of JSON each. */
export interface Ask {
  id: number;
  /** `counts`: how many requests with this tag each name of this pod has been sent. */
  kind: 'http' | 'http2' | 'grpc' | 'tcp' | 'counts';
  ip: string;
  port: number;
  method: string;
  /** Path and query; for `counts` the tag. */
  target: string;
  /** As they are written; a repeated name is a line of its own. `Host` is the address where none is given. */
  headers: readonly (readonly [name: string, value: string])[];
  /** Requests, one after the other, of one connection. */
  count: number;
  /** Of each request; with `until`, of all. */
  timeoutMs: number;
  /**
   * Asks again and again on one connection, until this is the name that answers, or the status (of gRPC: that of gRPC). Of TCP: until the stream, once bytes have
   * come back, is `closed`. The one answer is the last, or where the connection was another, an error.
   */
  until?: string;
}

/** What a server has seen of a request. */
export interface Seen {
  /** Whose port it was. */
  name: string;
  method: string;
  target: string;
  /** `Host` or `:authority`. */
  host: string;
  /** Names in lower case; repeated lines joined by a comma. */
  headers: Record<string, string>;
}

export interface Answer {
  /** Of HTTP; 0 where none came. Of TCP: 1 where the bytes came back, else 0. */
  status: number;
  /** Of gRPC, in headers or trailers; -1 where none came. */
  grpcStatus: number;
  /** Names in lower case; repeated lines joined by a comma. */
  headers: Record<string, string>;
  /** Null where no server of ours answered. */
  seen: Seen | null;
  ms: number;
  /** Empty, or what went wrong. */
  error: string;
}

export interface Told {
  id: number;
  answers: Answer[];
  counts: Record<string, number>;
}

/** Of the control port, which answers for the whole pod, on loopback only. */
export const CONTROL_PORT = 4999;
/** Requests that have this header are counted by its value. */
export const TAG = 'x-row';
/** A `Behaviour`, as JSON. */
export const BEHAVIOUR = 'x-behaviour';

/** What a server does with the requests that carry it. */
export interface Behaviour {
  /** For so long it says nothing, once it has all of the request. */
  silentMs?: number;
  /** The body comes byte by byte for so many bytes, with as much time after each; then comes the rest. */
  drip?: { bytes: number; pauseMs: number };
  /** So many requests with one tag are answered with this status, the later ones as ever. Of gRPC it is a status of gRPC, in a head after which nothing comes. */
  fail?: { first: number; status: number };
}

export const GRPC = 'application/grpc';
/** Of a message of gRPC that has no bytes: not compressed, length 0. */
export const EMPTY_MESSAGE = Buffer.alloc(5);
