import type { ServiceDestination } from './resources.ts';

/** What holds where a Service says nothing, and where an older operator does not know the field. */
type Defaults = Pick<ServiceDestination, 'slowStartMs' | 'breaker' | 'penalty' | 'retry' | 'timeouts' | 'queue'>;

export const SERVICE_DEFAULTS: Readonly<Defaults> = {
  slowStartMs: 0,
  breaker: null,
  penalty: null,
  retry: null,
  timeouts: { requestMs: 0, responseMs: 0, idleMs: 0 },
  // linkerd2-proxy: outbound HTTP queue.
  queue: { capacity: 10_000, failfastMs: 3_000 },
};

/** linkerd2-proxy: peak-EWMA. */
export const EWMA_DEFAULTS = { defaultRttMs: 30, decayMs: 10_000 } as const;

/** Finagle's smallest aperture. */
export const APERTURE_ENDPOINTS = 12;
