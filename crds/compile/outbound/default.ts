import { DEFAULT_ROUTE, type Meta } from '../../../proxy-image/contract/policy/meta.ts';
import type { RetryPolicy } from '../../../proxy-image/contract/policy/retry.ts';
import type { RoutePolicy } from '../../../proxy-image/contract/policy/route-policy.ts';
import { NO_TIMEOUTS } from '../../../proxy-image/contract/policy/timeouts.ts';
import type { ServiceTraffic } from '../../annotations/traffic.ts';
import type { OutboundPort } from './port.ts';
import { compileSplit } from './split.ts';
import type { PolicyTables } from './tables.ts';

/** A Service of which no object says what happens to its requests: what its annotations say happens to all of them. */
export function defaultRules(port: OutboundPort, tables: PolicyTables): number {
  return tables.policy(annotatedPolicy(port, tables, DEFAULT_ROUTE));
}

/** What the annotations of the Service say; `origin`: whose requests they are counted for. */
export function annotatedPolicy(port: OutboundPort, tables: PolicyTables, origin: Meta): RoutePolicy {
  const { traffic } = port;
  return {
    origin: tables.origin(origin),
    filters: [],
    distribution: compileSplit(port, tables),
    retry: retryOf(traffic),
    timeouts: { ...NO_TIMEOUTS, ...traffic.timeouts },
    classes: [],
  };
}

function retryOf({ retry }: ServiceTraffic): RetryPolicy | null {
  return retry === null ? null : { type: 'statuses', ...retry };
}
