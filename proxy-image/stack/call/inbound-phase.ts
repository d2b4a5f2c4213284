/** Where an inbound call stands. */
export type InboundPhase = typeof JUDGING | typeof LEASING | typeof SENT | typeof RESPONDING | typeof FAILED;

/** On its way through the stages: nothing has been sent. */
export const JUDGING = 0;
/** It waits for a connection to the application. */
export const LEASING = 1;
/** It is sent; no response head has come. */
export const SENT = 2;
/** The head of a response has come. */
export const RESPONDING = 3;
/** The attempt has ended without a response, or without all of it. */
export const FAILED = 4;
