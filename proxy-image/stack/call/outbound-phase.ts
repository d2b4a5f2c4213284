/** Where an outbound call stands: one number, for it is written some five times per request. In the order in which a call goes through them. */
export type OutboundPhase =
  | typeof PLACING
  | typeof CHOSEN
  | typeof LEASING
  | typeof SENT
  | typeof RESPONDING
  | typeof ENDED
  | typeof REFUSED;

/** Nothing is chosen: it is on its way through the stages, waits for an endpoint, or pauses before a retry. */
export const PLACING = 0;
/** An endpoint or address is chosen; nothing has been sent. */
export const CHOSEN = 1;
/** … and it waits for a connection to it. */
export const LEASING = 2;
/** It is sent; no response head has come. */
export const SENT = 3;
/** The head of a response has come. */
export const RESPONDING = 4;
/** The attempt has ended; the call has not. */
export const ENDED = 5;
/** Its client is refused: nothing is to be told of it. */
export const REFUSED = 6;

/** There is an attempt without a response so far. */
export function isUnderWay(phase: OutboundPhase): boolean {
  return phase >= CHOSEN && phase <= SENT;
}
