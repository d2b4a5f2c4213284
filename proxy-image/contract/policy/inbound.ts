import type { Authorization } from '../resources.ts';
import type { Filter } from './filter.ts';
import type { RequestMatch } from './match.ts';
import type { Meta } from './meta.ts';

/**
 * One rule of a route that is attached to a Server. Where a port has any, requests that none matches get 404 (Linkerd: HTTPRoute on a Server). Rules are in
 * order of precedence. `authorizations` are those of the route and of its Server and Namespace together: any of them is enough.
 */
export interface InboundRule {
  meta: Meta;
  match: RequestMatch;
  filters: Filter[];
  authorizations: Authorization[];
}

/** Requests per second that one proxy lets through: in all, for each client identity (those without one share), and for those named. 0 = no limit. */
export interface RateLimit {
  meta: Meta;
  totalPerSecond: number;
  identityPerSecond: number;
  overrides: { perSecond: number; identities: string[] }[];
}
