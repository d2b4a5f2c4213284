import type { SuccessWindow } from './window.ts';

/** An endpoint, as far as circuit breaking has to know it. */
export interface Guarded {
  /** `null`: nothing is held against it. */
  breaker: BreakerState | null;
}

/** What the circuit breaking of one endpoint remembers; made with its first failure, so that healthy endpoints cost nothing. */
export class BreakerState {
  /** Failures in a row. */
  failures = 0;
  ejected = false;
  /** When ejected: the end of the penalty, from which on one request at a time is let through. */
  reopensAtMs = 0;
  /** The penalty under way, without its jitter. */
  penaltyMs = 0;
  /** A request that was let through has not ended yet. */
  probing = false;
  window: SuccessWindow | null = null;
}
