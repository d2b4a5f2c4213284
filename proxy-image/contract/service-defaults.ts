import { DEFAULT_QUEUE } from './policy/queue.ts';
import type { ServiceDestination } from './resources.ts';

/** What holds where a Service says nothing, and where an older operator does not know the field. */
type Defaults = Pick<ServiceDestination, 'slowStartMs' | 'breaker' | 'penalty' | 'retry' | 'timeouts' | 'queue'>;

export const SERVICE_DEFAULTS: Readonly<Defaults> = {
  slowStartMs: 0,
  breaker: null,
  penalty: null,
  retry: null,
  timeouts: { requestMs: 0, responseMs: 0, idleMs: 0 },
  queue: DEFAULT_QUEUE,
};
