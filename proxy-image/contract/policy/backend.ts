import type { Balancer, Breaker, LoadPenalty, QueueLimits } from '../resources.ts';
import type { Meta } from './meta.ts';

/**
 * How requests for a backend are carried out. `balance`: one of the endpoints of `endpoints` (a key of the stream); `localTrafficOnly`: only those on the
 * proxy's own node. `address`: this one, in plaintext. `fail`: answered at once: 503 for a backend of a TrafficSplit that does not exist (yet), 500 for a
 * reference of an HTTPRoute that is not valid (Gateway API: HTTPBackendRef).
 */
export type Dispatch =
  | {
      type: 'balance';
      endpoints: string;
      balancer: Balancer;
      localTrafficOnly: boolean;
      /** New endpoints get their share by degrees over this time; 0 = at once. */
      slowStartMs: number;
      breaker: Breaker | null;
      penalty: LoadPenalty | null;
      queue: QueueLimits;
    }
  | { type: 'address'; ip: string; port: number }
  | { type: 'fail'; status: number; message: string };

/** Something that requests can be sent to. `authority`: `<service>.<namespace>.svc.<clusterDomain>:<port>`. */
export interface Backend {
  meta: Meta;
  authority: string;
  dispatch: Dispatch;
}
