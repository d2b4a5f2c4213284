export interface ApiLimits {
  /** From the handshake to the whole request. */
  requestMs: number;
  /** For an answer that is no stream. */
  answerMs: number;
  /** For a client to take what it was sent. */
  takeMs: number;
  /** Requests that are being answered, and streams. Discovery is not among them: it is answered at once, always. */
  inFlight: number;
  streams: number;
  /** Of these, of one user: nobody takes all of them. */
  streamsOfUser: number;
  /** Head of a request. Somebody in a thousand groups needs most of it. */
  headBytes: number;
}

export const DEFAULT_LIMITS: ApiLimits = {
  requestMs: 10_000,
  // An API server waits for 60 s; whoever looks at a table asks again long before.
  answerMs: 10_000,
  takeMs: 30_000,
  inFlight: 100,
  streams: 50,
  streamsOfUser: 10,
  headBytes: 64 * 1024,
};
