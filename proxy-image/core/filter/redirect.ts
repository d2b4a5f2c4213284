import type { Filter } from '../../contract/policy/filter.ts';
import { changedTarget } from './path-change.ts';

type Redirect = Extract<Filter, { type: 'redirect' }>;

const WELL_KNOWN: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * The `Location` of a redirect (Gateway API: HTTPRequestRedirectFilter). What it does not name is as requested; the port of a scheme that it names is that of the
 * scheme. `host`: the request's, with its port if it has one. A port that goes without saying is not said.
 */
export function locationOf(redirect: Redirect, host: string, target: string): string {
  const scheme = redirect.scheme || 'http';
  const portAt = portStart(host);
  const name = redirect.hostname || host.slice(0, portAt === -1 ? host.length : portAt);
  const asked = portAt === -1 ? 0 : Number(host.slice(portAt + 1));
  const port = redirect.port || (redirect.scheme === '' ? asked : 0);
  const authority = port === 0 || port === WELL_KNOWN[scheme] ? name : `${name}:${port}`;
  return `${scheme}://${authority}${changedTarget(target, redirect.path)}`;
}

/** Where the colon before the port is; an IPv6 address in brackets has others. */
function portStart(host: string): number {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? colon : -1;
}
