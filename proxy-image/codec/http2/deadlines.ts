/** What a connection waits for, by `io/transport/deadlines.ts`. */
export const KEEP_ALIVE = 0;
/** From here on it waits for its peer. */
export const HANDSHAKE = 1;
export const BLOCK = 2;
export const DRAIN = 3;
export const LINGER = 4;
export const STALL = 5;
export const KEEP_ALIVE_ANSWER = 6;
export const FIRST_OF_PEER: number = HANDSHAKE;
/** How many there are. */
export const CONNECTION_DEADLINES = 7;
