/** Lines that a proxy puts into a head: Host, TE, Connection, Max-Forwards, framing, and what the mesh tells. A head at the limit must still have room. */
export const OWN_FIELDS = 10;

/** Chunk extensions of one message: they carry nothing, only cost (CVE-2024-22019). */
export const CHUNK_EXTENSION_BYTES: number = 16 * 1024;
