import { type Meta, PROFILE_KIND } from '../../../proxy-image/contract/policy/meta.ts';
import type { RoutePolicy } from '../../../proxy-image/contract/policy/route-policy.ts';
import { NO_TIMEOUTS, type RouteTimeouts } from '../../../proxy-image/contract/policy/timeouts.ts';
import type { Route } from '../../../proxy-image/contract/resources.ts';
import type { ServiceProfileModel } from '../../kinds/service-profile/model.ts';
import { annotatedPolicy } from './default.ts';
import type { OutboundPort } from './port.ts';
import { compileSplit } from './split.ts';
import type { PolicyTables } from './tables.ts';

/**
 * Routes of a ServiceProfile, in the order of its list. A route speaks for the requests that it matches, also by saying nothing; the annotations of the Service
 * speak for all others, which are counted under the profile too. A profile without routes says nothing of requests (its other parts are read elsewhere).
 */
export function profileRules(port: OutboundPort, tables: PolicyTables): number | null {
  const { profile } = port;
  if (profile === null || profile.routes.length === 0) return null;
  const meta = metaOf(profile);
  const fallback = tables.policy(annotatedPolicy(port, tables, meta));
  const common = { origin: tables.origin(meta), distribution: compileSplit(port, tables) };
  for (const route of profile.routes) {
    tables.rules.push({ match: route.match, section: route.name, policy: tables.policy(policyOf(route, common)) });
  }
  return fallback;
}

function metaOf({ meta }: ServiceProfileModel): Meta {
  const { namespace, name } = meta;
  return { group: 'linkerd.io', kind: PROFILE_KIND, namespace, name, section: '', port: 0 };
}

function policyOf(route: Route, { origin, distribution }: { origin: number; distribution: number }): RoutePolicy {
  return {
    origin,
    filters: [],
    distribution,
    retry: route.isRetryable ? { type: 'budget' } : null,
    timeouts: timeoutsOf(route),
    classes: route.responseClasses,
  };
}

/** Linkerd's is for the response to begin, retries included. */
function timeoutsOf({ timeoutMs }: Route): RouteTimeouts {
  return timeoutMs === 0 ? { ...NO_TIMEOUTS } : { ...NO_TIMEOUTS, requestMs: timeoutMs, untilResponse: true };
}
