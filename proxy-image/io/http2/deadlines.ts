/** What a connection waits for, by `transport/deadlines.ts`. */
export const HANDSHAKE = 0;
export const BLOCK = 1;
export const DRAIN = 2;
export const LINGER = 3;
export const STALL = 4;
export const KEEP_ALIVE = 5;
export const KEEP_ALIVE_ANSWER = 6;
/** How many there are. */
export const CONNECTION_DEADLINES = 7;
