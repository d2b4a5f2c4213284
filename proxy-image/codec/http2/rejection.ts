/**
 * Why a header section is refused: negative numbers, so that refusing allocates nothing, with the decoder's own (COMPRESSION_ERROR, LIST_TOO_LARGE) before
 * them. All but CONNECT_DISABLED make the message malformed: stream error PROTOCOL_ERROR (RFC 9113 section 8.1.1).
 */
export const MALFORMED_NAME = -3;
export const MALFORMED_VALUE = -4;
export const MISPLACED_PSEUDO = -5;
export const UNKNOWN_PSEUDO = -6;
export const REPEATED_PSEUDO = -7;
export const MISSING_PSEUDO = -8;
export const CONNECTION_FIELD = -9;
export const MALFORMED_TE = -10;
export const MALFORMED_METHOD = -11;
export const MALFORMED_SCHEME = -12;
export const MALFORMED_PATH = -13;
export const MALFORMED_AUTHORITY = -14;
export const MALFORMED_HOST = -15;
export const HOST_MISMATCH = -16;
export const MALFORMED_CONTENT_LENGTH = -17;
export const REPEATED_CONTENT_LENGTH = -18;
export const MALFORMED_STATUS = -19;
export const MALFORMED_PROTOCOL = -20;
/** A tunnel (RFC 9113 section 8.5), well-formed, answered with 501. */
export const CONNECT_DISABLED = -21;
