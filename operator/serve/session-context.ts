import type { Resource, ResourceCache } from '../../crds/compile/resource-cache.ts';
import type { ClusterState } from '../../crds/state/cluster-state.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { ChangeEncoder } from './encoding.ts';
import type { ServeLimits, ServeMetrics } from './types.ts';

/** What all sessions share. */
export interface SessionContext<S> {
  state: ClusterState;
  cache: ResourceCache<S>;
  encoder: ChangeEncoder<S>;
  clock: Clock;
  /** Milliseconds without those in which this process was not there to hear the proxies. */
  awakeMs(): number;
  log: Log;
  metrics: ServeMetrics;
  limits: ServeLimits;
  /** Calls `session.pump` in another turn of the event loop. */
  wake(session: S): void;
  /** Some proxy came, went, or acknowledged: the counts of what the resource was made from may differ. */
  progressed(resource: Resource<S>): void;
}
