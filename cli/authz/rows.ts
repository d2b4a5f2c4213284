import type { Item } from '../traffic/answer.ts';
import type { Figures } from '../traffic/figures.ts';
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
 * @param items of requests, by `BY.authorization`
 * @param refusals of the same, by the identity of the client too
 */
export function joined(
  applied: readonly AppliedPolicy[],
  items: readonly Item[],
  refusals: readonly Item[],
): AuthzRow[] {
  const left = new Map(items.map((item) => [keyOfItem(item), item]));
  const rows = applied.map((policy): AuthzRow => {
    const key = keyOf(policy.server, policy.route, policy.authorization);
    const item = left.get(key) ?? null;
    left.delete(key);
    return rowOf(policy, item, refusals, policy);
  });
  for (const item of left.values()) {
    const labels = labelsOf(item);
    rows.push(rowOf(labels, item, refusals, null));
  }
  return rows.toSorted(byNames);
}

function rowOf(
  { server, route, authorization }: Pick<AuthzRow, 'server' | 'route' | 'authorization'>,
  item: Item | null,
  refusals: readonly Item[],
  policy: AppliedPolicy | null,
): AuthzRow {
  const refused = authorization === null && item !== null ? refusedBy(refusals, keyOf(server, route, null)) : '';
  return {
    server,
    route,
    authorization,
    clients: refused || policy?.clients || '',
    ports: [...(policy?.ports ?? [])].toSorted((a, b) => a - b),
    pods: policy?.pods.size ?? 0,
    figures: { requests: item, connections: null },
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
