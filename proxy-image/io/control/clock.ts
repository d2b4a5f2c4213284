import type { Timers } from '../transport/types.ts';

/** Time and chance as the control side sees them; tests turn them by hand. */
export interface Surroundings {
  /** Monotonic, coarse, shared. */
  timers: Timers;
  /** Milliseconds since the epoch: certificates are dated by it. It may jump. */
  wallMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
}
