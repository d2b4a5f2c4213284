import type { Counted } from '../../proxy-image/contract/traffic/labels.ts';
import type { Item } from '../traffic/answer.ts';
import { type Figures, rateOf } from '../traffic/figures.ts';
import { type AppliedPolicy, keyOf, type Named } from './applied.ts';
import { shortIdentity } from './clients.ts';

/** An authorization that applies, or has been used, or that nothing has given: with what has come of it. */
export interface AuthzRow {
  server: Named;
  route: Named;
  /** `null`: of requests that nothing lets in. */
  authorization: Named | null;
  /** Who is let in; where nobody is, who has been refused. */
  clients: string;
  ports: readonly number[];
  /** How many of the pods it applies to. */
  pods: number;
  figures: Figures;
}

/**
 * What applies, with the numbers of it, and the numbers of what does not apply any more, or is written nowhere: probes, loopback, requests that nothing lets in.
 * @param items of requests and of connections, by `BY.authorization` and what is counted
 * @param refusals of the same, by the identity of the client too
 */
export function joined(
  applied: readonly AppliedPolicy[],
  items: readonly Item[],
  refusals: readonly Item[],
): AuthzRow[] {
  const left = new Map<string, Item[]>();
  for (const item of items) {
    // Of those that were let in it is not known by what.
    if (item.label('counted') === 'connections' && item.counts.denied === 0) continue;
    left.set(keyOfItem(item), [...(left.get(keyOfItem(item)) ?? []), item]);
  }
  const rows = applied.map((policy): AuthzRow => {
    const key = keyOf(policy.server, policy.route, policy.authorization);
    const own = left.get(key) ?? [];
    left.delete(key);
    return rowOf(policy, own, refusals, policy);
  });
  for (const own of left.values()) rows.push(rowOf(labelsOf(own[0]!), own, refusals, null));
  return rows.toSorted(byNames);
}

function rowOf(
  { server, route, authorization }: Pick<AuthzRow, 'server' | 'route' | 'authorization'>,
  items: readonly Item[],
  refusals: readonly Item[],
  policy: AppliedPolicy | null,
): AuthzRow {
  const refused = authorization === null && items.length > 0 ? refusedBy(refusals, keyOf(server, route, null)) : '';
  const counted = (what: Counted) => items.find((item) => item.label('counted') === what) ?? null;
  return {
    server,
    route,
    authorization,
    clients: refused || policy?.clients || '',
    ports: [...(policy?.ports ?? [])].toSorted((a, b) => a - b),
    pods: policy?.pods.size ?? 0,
    figures: { requests: counted('requests'), connections: counted('connections') },
  };
}

function labelsOf(item: Item): Pick<AuthzRow, 'server' | 'route' | 'authorization'> {
  const kind = item.label('authorizationKind');
  const name = item.label('authorizationName');
  return {
    server: { kind: item.label('serverKind'), name: item.label('serverName') },
    route: { kind: item.label('routeKind'), name: item.label('routeName') },
    authorization: name === '' ? null : { kind, name },
  };
}

function keyOfItem(item: Item): string {
  const { server, route, authorization } = labelsOf(item);
  return keyOf(server, route, authorization);
}

/** Whose requests were refused, those first that had most. */
function refusedBy(items: readonly Item[], key: string): string {
  const clients = items
    .filter((item) => keyOfItem(item) === key && item.counts.denied > 0)
    .toSorted((a, b) => b.counts.denied - a.counts.denied)
    .map((item) => shortIdentity(item.label('peerIdentity')) || 'without identity');
  return clients.length === 0 ? '' : `refused: ${[...new Set(clients)].join(', ')}`;
}

/** Requests and connections that nothing has let in, a second; `null`: nothing was counted. */
export function refusedRate({ figures: { requests, connections } }: AuthzRow): number | null {
  const rates = [requests, connections].map((item) => rateOf(item, 'denied')).filter((rate) => rate !== null);
  return rates.length === 0 ? null : rates.reduce((sum, rate) => sum + rate);
}

function byNames(a: AuthzRow, b: AuthzRow): number {
  return compare(serverText(a), serverText(b)) || compare(a.route.name, b.route.name) || compareLast(a, b);
}

/** What nothing lets in stands behind what is let in. */
function compareLast(a: AuthzRow, b: AuthzRow): number {
  if (a.authorization === null || b.authorization === null)
    return Number(a.authorization === null) - Number(b.authorization === null);
  return compare(authorizationText(a), authorizationText(b));
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** `default:all-unauthenticated` where no Server says anything (Linkerd). */
export function serverText({ server: { kind, name } }: AuthzRow): string {
  return kind === 'default' ? `default:${name}` : name;
}

/** `serverauthorization/name`; empty for what nothing lets in (Linkerd). */
export function authorizationText({ authorization }: AuthzRow): string {
  return authorization === null ? '' : `${authorization.kind.toLowerCase()}/${authorization.name}`;
}
