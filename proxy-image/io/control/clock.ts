import type { Clock, Random } from '../../../lib/clock.ts';
import type { Timers } from '../transport/types.ts';

/** Time and chance as the control side sees them; tests turn them by hand. */
export interface Surroundings {
  /** Monotonic, coarse, shared. */
  timers: Timers;
  /** Certificates are dated by it. */
  wallMs: Clock['wallMs'];
  random: Random;
}
