/** What the harness and the processes that play proxies say to one another. */

export interface Replica {
  host: string;
  port: number;
}

/** What a process plays; proxies keep the numbers that they have in the fleet. */
export interface Cast {
  replicas: Replica[];
  /** Identity of the operator. */
  serverName: string;
  anchorsPem: string;
  leaves: { keyPem: string; chainPem: string }[];
  proxies: Role[];
}

export interface Role {
  at: number;
  namespace: string;
  pod: string;
  leaf: number;
  /** Keys that it subscribes to. */
  keys: string[];
  /** Where it connects first. */
  replica: number;
}

export type Command =
  | { type: 'cast'; cast: Cast }
  /** Those whose numbers are below this connect, unless they have. */
  | { type: 'connect'; below: number }
  /** The Service leads to these of the replicas, by number: who connects from now on gets one of them. */
  | { type: 'lead'; replicas: number[] }
  /** Figures begin anew. */
  | { type: 'mark' }
  | { type: 'tell'; question: number };

/** What has reached the proxies of one process of one change of a resource. */
export interface Arrival {
  key: string;
  /** `machineMs`, of the first and of the last proxy. */
  firstMs: number;
  lastMs: number;
  count: number;
  /** Of the frames, all proxies together. */
  bytes: number;
}

/** Since `mark`, but for what is now. */
export interface Figures {
  /** Have all that they asked for, and an open stream. */
  settled: number;
  connected: number;
  /** `machineMs` of the first stream that ended, and of the last proxy that was back; null: none. */
  firstEndedMs: number | null;
  lastBackMs: number | null;
  /** Streams that ended, by the operator's reason. */
  dropped: Record<string, number>;
  refusedBatches: number;
  messages: number;
  bytes: number;
  /** Of proxies that have connected again since: from the end of the stream to being settled, milliseconds. */
  backMs: number[];
  /** Bytes that a proxy was sent until it was settled, with nothing and with what it had before. */
  fullBytes: number[];
  resumeBytes: number[];
  cpuMs: number;
  lagMs: { p99: number; max: number };
  rssBytes: number;
  /** Proxies that hold it, by key. */
  holders: Record<string, number>;
}

export type Report =
  | { type: 'arrivals'; arrivals: Arrival[] }
  | { type: 'figures'; question: number; figures: Figures };
