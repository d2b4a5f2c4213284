/** Caps of a message in either version of HTTP, beside `HEAD_BYTES`, which is a setting. Every cap is counted as bytes arrive, before anything is kept. */
export interface MessageLimits {
  /** Fields of one section; the parsers' arrays have this size. */
  fieldCount: number;
  /** Registered methods have at most 17 octets (UPDATEREDIRECTREF). */
  methodBytes: number;
}

export const MESSAGE_LIMITS: Readonly<MessageLimits> = { fieldCount: 200, methodBytes: 32 };
