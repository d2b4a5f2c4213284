import type { Reader } from '../read/reader.ts';
import type { Authorization } from './authorization.ts';
import type { Filter } from './filter.ts';
import type { RequestMatch } from './match.ts';
import { type Meta, readMeta } from './meta.ts';

/**
 * One rule of a route that is attached to a Server. Where a port has any, requests that none matches get 404 (Linkerd: HTTPRoute on a Server). Rules are in
 * order of precedence. `authorizations` are those of the route and of its Server and Namespace together: any of them is enough. Rules of the same route
 * have the same authorizations.
 */
export interface InboundRule {
  meta: Meta;
  match: RequestMatch;
  filters: Filter[];
  authorizations: Authorization[];
}

/**
 * Requests per second that one proxy lets through: in all, for each client identity (those without one share), and for those that are named, who share what
 * their override says. 0 = no limit.
 */
export interface RateLimit {
  meta: Meta;
  totalPerSecond: number;
  identityPerSecond: number;
  overrides: { perSecond: number; identities: string[] }[];
}

export function readRateLimit(reader: Reader, value: unknown, path: string): RateLimit {
  const fields = reader.object(value, path);
  const perSecond = (count: unknown, at: string) => reader.integer(count, at, 0, Number.MAX_SAFE_INTEGER);
  return {
    meta: readMeta(reader, fields['meta'], `${path}.meta`),
    totalPerSecond: perSecond(fields['totalPerSecond'], `${path}.totalPerSecond`),
    identityPerSecond: perSecond(fields['identityPerSecond'], `${path}.identityPerSecond`),
    overrides: reader.list(fields['overrides'], `${path}.overrides`, (entry, at) => {
      const override = reader.object(entry, at);
      return {
        perSecond: perSecond(override['perSecond'], `${at}.perSecond`),
        identities: reader.list(override['identities'], `${at}.identities`, (id, of) => reader.text(id, of)),
      };
    }),
  };
}
