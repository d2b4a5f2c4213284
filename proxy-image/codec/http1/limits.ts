/** Caps of the codec beside `HEAD_BYTES`, which is a setting. Every cap is counted as bytes arrive, before anything is kept. */
export interface Http1Limits {
  /** Field lines of one message; the parser's arrays have this size. */
  fieldCount: number;
  /** Chunk extensions of one message: they carry nothing, only cost (CVE-2024-22019). */
  chunkExtensionBytes: number;
  /** Registered methods have at most 17 octets (UPDATEREDIRECTREF). */
  methodBytes: number;
}

/** Lines that a proxy puts into a head: Host, TE, Connection, Max-Forwards, framing, and what the mesh tells. A head at the limit must still have room. */
export const OWN_FIELDS = 10;

export const LIMITS: Readonly<Http1Limits> = {
  fieldCount: 200,
  chunkExtensionBytes: 16 * 1024,
  methodBytes: 32,
};
