export interface FixedRateRequest {
  /** `http://ip:port/path`; the answer must be a 200 with Content-Length. */
  url: string;
  connections: number;
  /** Requests per second over all connections, evenly spaced. */
  rate: number;
  /** Sent, but not measured. */
  warmUpMs: number;
  durationMs: number;
  /** Spin between requests instead of sleeping, which is late by up to a millisecond: costs a whole CPU. */
  precise: boolean;
}

/** Latencies in milliseconds. */
export interface FixedRateAnswer {
  sent: number;
  answers: number;
  /** Why a connection ended early; empty = none did. */
  failure: string;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}
