import { RENEWAL_SHARE } from '../../contract/identity-messages.ts';

/** Of what was left when the certificate came; spread over 65–75 %, so that pods of one rollout do not all come at once. */
const SPREAD_SHARE = 0.1;
/** However short the life: no faster than this. */
const SHORTEST_MS = 1000;

/** The wall clock is looked at this often: a suspended machine or a corrected clock moves it while monotonic timers know nothing of it. */
export const CLOCK_CHECK_MS = 30_000;

/** When a certificate that came at `nowMs` is due for renewal. Milliseconds since the epoch; `random` is uniform in [0, 1). */
export function renewalTimeMs(nowMs: number, notAfterMs: number, random: number): number {
  const share = RENEWAL_SHARE + SPREAD_SHARE * (random - 0.5);
  return nowMs + Math.max(SHORTEST_MS, (notAfterMs - nowMs) * share);
}
