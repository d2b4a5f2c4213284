/**
 * What is wrong between one operator and the API server at present. Everything may be at once; shares are of requests, 0 to 1.
 */
export interface Weather {
  /** Before a request is passed on, and once more before lists. */
  latencyMs: number;
  listLatencyMs: number;
  /** Connections, open ones and new ones, are reset. */
  refusing: boolean;
  /** Nothing is carried in either direction, and nothing ends: what was under way stays silent for ever, as when a firewall has forgotten it. */
  silent: boolean;
  /** Answered instead of the API server, with that status. */
  refused: number;
  refusal: { status: number; retryAfterSeconds: number };
  /** The request is carried out, and its connection reset in the middle of the answer. */
  cut: number;
  /** The request is carried out; its answer ends in the middle of the JSON as if that were all. */
  truncated: number;
  /** Watches get each line twice. */
  duplicating: boolean;
  withoutBookmarks: boolean;
}

export const FAIR: Weather = {
  latencyMs: 0,
  listLatencyMs: 0,
  refusing: false,
  silent: false,
  refused: 0,
  refusal: { status: 503, retryAfterSeconds: 0 },
  cut: 0,
  truncated: 0,
  duplicating: false,
  withoutBookmarks: false,
};
