/** Receives the parts of a body that are to be passed on, in order. `bytes[from..to)` is valid during the call. */
export interface BodySink {
  range(bytes: Buffer, from: number, to: number): void;
  /** The trailer section with its empty line, without what may not pass; only where the framing is taken away and there are trailers. */
  trailers(section: Buffer): void;
}
