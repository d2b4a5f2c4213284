/** Counts the pieces of a body as they pass. */
export interface BodyMeter {
  /** A DATA frame of HTTP/2; of HTTP/1 what was read at once, with the framing of chunks. */
  piece(sizeBytes: number): void;
}
