import type { ServeMetrics } from './types.ts';

/** For callers that do not measure. */
export const NO_METRICS: ServeMetrics = {
  connected: () => undefined,
  refused: () => undefined,
  batchSent: () => undefined,
  acknowledged: () => undefined,
  written: () => undefined,
  rejected: () => undefined,
  compiled: () => undefined,
  subscriptions: () => undefined,
  withheld: () => undefined,
};
