/** Frame types of RFC 9113 section 6. */
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

/** Flags. ACK and END_STREAM are the same bit of different frames. */
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY_FLAG = 0x20;

export const FRAME_HEADER_BYTES = 9;
/** What every peer takes (RFC 9113 section 4.2), and all that this side takes: larger frames would only make streams wait for each other. */
export const MAX_FRAME_BYTES = 16_384;
/** Before SETTINGS and WINDOW_UPDATE say otherwise (section 6.9.2). */
export const DEFAULT_WINDOW = 65_535;
/** Of windows and stream identifiers. */
export const MAX_31_BIT = 0x7fff_ffff;

/** Settings of RFC 9113 section 6.5.2 and RFC 8441. */
export const ENABLE_PUSH = 2;
export const MAX_CONCURRENT_STREAMS = 3;
export const INITIAL_WINDOW_SIZE = 4;
export const MAX_FRAME_SIZE = 5;
export const MAX_HEADER_LIST_SIZE = 6;
export const ENABLE_CONNECT_PROTOCOL = 8;

export function uint32(bytes: Buffer, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Without the reserved bit. */
export function uint31(bytes: Buffer, at: number): number {
  return ((bytes[at]! & 0x7f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
