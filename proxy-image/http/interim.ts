/**
 * Interim responses (1xx) of one exchange: any number, but no flood. Servers that tell of progress (102) or hints (103)
 * send some per second for as long as it takes; each costs the client a head, and nothing ends it.
 */
/** At once: as much as a large head, or 128 small ones, … */
const BURST_BYTES = 64 * 1024;
/** … and 32 small ones per second from then on. */
const BYTES_PER_SECOND = 16 * 1024;
/** What a small one counts, for the work that it makes. */
const LEAST_BYTES = 512;

export function interimCost(sizeBytes: number): number {
  return Math.max(sizeBytes, LEAST_BYTES);
}

/** What interim responses may have cost so long after the request. */
export function interimAllowance(elapsedMs: number): number {
  return BURST_BYTES + (elapsedMs * BYTES_PER_SECOND) / 1000;
}
