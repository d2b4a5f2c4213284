/** Longest timeout, a day: timers are 32-bit, and a larger number is a mistake. */
export const MAX_TIMEOUT_MS = 86_400_000;

/** Of retries by status. */
export const MAX_RETRIES = 65_535;

/** Least pause before the first retry by status, where none is asked for (linkerd2-proxy: backoff between retries by annotation). */
export const RETRY_BACKOFF_MS = 25;

/** Ranges of tower's `TpsBudget`, which refuses others (linkerd2-proxy: `service-profiles/src/proto.rs`). */
export const MAX_RETRY_RATIO = 1_000;
export const MAX_RETRIES_PER_SECOND = 2 ** 31 - 1;
export const MIN_BUDGET_TTL_MS = 1_000;
export const MAX_BUDGET_TTL_MS = 60_000;
