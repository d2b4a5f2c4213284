/** Renewal at 70 % of the life (Linkerd: identity client), spread over 65–75 % so that pods of one rollout do not all come at once. */
const RENEW_AT_SHARE = 0.7;
const SPREAD_SHARE = 0.1;

/** The wall clock is looked at this often: a suspended machine or a corrected clock moves it while monotonic timers know nothing of it. */
export const CLOCK_CHECK_MS = 30_000;

/** When a certificate is due for renewal, milliseconds since the epoch. `random` is uniform in [0, 1). */
export function renewalTimeMs(notBeforeMs: number, notAfterMs: number, random: number): number {
  const lifeMs = Math.max(0, notAfterMs - notBeforeMs);
  return notBeforeMs + lifeMs * (RENEW_AT_SHARE + SPREAD_SHARE * (random - 0.5));
}
