import type { Dimension } from '../../crds/viz/dimensions.ts';
import { type Listing, table } from '../output/listing.ts';
import type { Column } from '../output/table.ts';
import { printedName, type ResourceKind } from '../resources/kinds.ts';
import type { Item } from '../traffic/answer.ts';
import { NONE } from '../traffic/figures.ts';
import { isAt, ownPlace, peerPlace } from '../traffic/place.ts';
import type { Traffic } from '../traffic/traffic.ts';

/** Connections from one to the other, all alike in who has proved what. */
export interface Edge {
  kind: ResourceKind;
  source: string;
  sourceNamespace: string;
  target: string;
  targetNamespace: string;
  /** Empty: none was proved. */
  clientId: string;
  serverId: string;
  /** Why the connections are without TLS; empty: they have it. */
  reason: string;
}

const GAP = 3;

/**
 * Between objects of one kind, of which one is in the namespace (`null` = any): what the proxies of the clients have had open, or opened, in the time that is
 * looked at. A connection to what has no such object (an address outside) is none.
 */
export async function edgesOf(traffic: Traffic, kind: ResourceKind, namespace: string | null): Promise<Edge[]> {
  const own = ownPlace(kind)!;
  const peer = peerPlace(kind)!;
  const dimensions: Dimension[] = [...Object.values(own), ...Object.values(peer)];
  const by = [...new Set<Dimension>([...dimensions, 'identity', 'peerIdentity', 'tls', 'noTlsReason'])];
  const where = { direction: 'outbound', counted: 'connections' };
  // From there, and to Services there; without a namespace both are the same.
  const owners = namespace === null ? (['reporter'] as const) : (['reporter', 'service'] as const);
  const answers = await Promise.all(owners.map((owner) => traffic.ask({ namespace, by, where, owner })));
  const found = new Map<string, Edge>();
  for (const item of answers.flat()) {
    if (!isAt(own, kind, item) || !isAt(peer, kind, item)) continue;
    const edge = edgeIn(item, kind, own, peer);
    found.set(JSON.stringify({ ...edge, kind: '' }), edge);
  }
  return [...found.values()].toSorted(inOrder);
}

interface Named {
  namespace: Dimension;
  name: Dimension;
}

function edgeIn(item: Item, kind: ResourceKind, own: Named, peer: Named): Edge {
  const isSecured = item.label('tls') === 'true';
  return {
    kind,
    source: item.label(own.name),
    sourceNamespace: item.label(own.namespace),
    target: item.label(peer.name),
    targetNamespace: item.label(peer.namespace),
    clientId: isSecured ? shortened(item.label('identity')) : '',
    serverId: shortened(item.label('peerIdentity')),
    reason: isSecured ? '' : item.label('noTlsReason') || 'unknown',
  };
}

/** `web.shop`: ServiceAccount and namespace, as Linkerd shows an identity. */
function shortened(identity: string): string {
  return identity.split('.').slice(0, 2).join('.');
}

const COLUMNS: readonly Column<Edge>[] = [
  { header: 'SRC', text: ({ source }) => source },
  { header: 'DST', text: ({ target }) => target },
  { header: 'SRC_NS', text: ({ sourceNamespace }) => sourceNamespace },
  { header: 'DST_NS', text: ({ targetNamespace }) => targetNamespace },
  { header: 'CLIENT_ID', wide: true, text: ({ clientId }) => clientId || NONE },
  { header: 'SERVER_ID', wide: true, text: ({ serverId }) => serverId || NONE },
  {
    header: 'SECURED',
    text: ({ reason }) => (reason === '' ? '√' : reason),
    colour: ({ reason }) => (reason === '' ? 'green' : 'red'),
  },
];

/** Linkerd's table, and the fields of its JSON. */
export function listingOf(edges: readonly Edge[]): Listing {
  return {
    tables: edges.length === 0 ? [] : [table(COLUMNS, edges, GAP)],
    value: edges.map((edge) => ({
      src: edge.source,
      src_namespace: edge.sourceNamespace,
      dst: edge.target,
      dst_namespace: edge.targetNamespace,
      client_id: edge.clientId,
      server_id: edge.serverId,
      no_tls_reason: edge.reason,
    })),
    names: namesOf(edges),
  };
}

function namesOf(edges: readonly Edge[]): string[] {
  return [
    ...new Set(edges.flatMap(({ kind, source, target }) => [source, target].map((name) => printedName(kind, name)))),
  ].toSorted();
}

function inOrder(a: Edge, b: Edge): number {
  const [left, right] = [a, b].map((edge) =>
    [edge.sourceNamespace, edge.targetNamespace, edge.source, edge.target, edge.reason].join('\n'),
  ) as [string, string];
  return left < right ? -1 : left > right ? 1 : 0;
}
