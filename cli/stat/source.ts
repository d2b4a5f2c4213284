import type { Dimension } from '../../crds/viz/dimensions.ts';
import type { Counted, Direction } from '../../proxy-image/contract/traffic/labels.ts';
import { CliError } from '../errors.ts';
import type { ResourceArgument } from '../resources/arguments.ts';
import {
  AUTHORIZATION_POLICY,
  NAMESPACE,
  POD,
  type ResourceKind,
  SERVER,
  SERVER_AUTHORIZATION,
  SERVICE,
  WORKLOAD_KINDS,
} from '../resources/kinds.ts';
import type { Item } from '../traffic/answer.ts';
import type { Figures } from '../traffic/figures.ts';
import type { Question, Traffic } from '../traffic/traffic.ts';

/** One object, at the other end of what is shown. */
export interface Other {
  kind: ResourceKind;
  name: string;
  namespace: string;
}

/** What `--to` and `--from` say; one of them at most is not `null`. */
export interface Ends {
  to: Other | null;
  from: Other | null;
}

/** In which dimensions an object stands in live numbers. */
interface Place {
  namespace: Dimension;
  /** Where objects of several kinds stand in the same dimension. */
  kind?: Dimension;
  name: Dimension;
}

/** Where the figures of a kind of row come from. */
interface Source {
  question: Question;
  place: Place;
  /** Which of a row's counts are its requests. */
  counted: Counted;
}

const OWN = {
  workload: { namespace: 'namespace', kind: 'kind', name: 'name' },
  pod: { namespace: 'namespace', name: 'pod' },
  namespace: { namespace: 'namespace', name: 'namespace' },
  server: { namespace: 'namespace', kind: 'serverKind', name: 'serverName' },
  authorization: { namespace: 'namespace', kind: 'authorizationKind', name: 'authorizationName' },
} as const satisfies Record<string, Place>;

const PEER = {
  workload: { namespace: 'peerNamespace', kind: 'peerKind', name: 'peerName' },
  pod: { namespace: 'peerNamespace', name: 'peerPod' },
  namespace: { namespace: 'peerNamespace', name: 'peerNamespace' },
  service: { namespace: 'serviceNamespace', name: 'serviceName' },
} as const satisfies Record<string, Place>;

/** Of the requests that a row has taken, or with `--to` made. `null`: a kind that takes none itself. */
function ownPlace(kind: ResourceKind): Place | null {
  if (WORKLOAD_KINDS.includes(kind)) return OWN.workload;
  if (kind === POD) return OWN.pod;
  if (kind === NAMESPACE) return OWN.namespace;
  if (kind === SERVER) return OWN.server;
  return kind === SERVER_AUTHORIZATION || kind === AUTHORIZATION_POLICY ? OWN.authorization : null;
}

/** At the other end of what is counted by clients. */
function peerPlace(kind: ResourceKind): Place | null {
  if (WORKLOAD_KINDS.includes(kind)) return PEER.workload;
  if (kind === POD) return PEER.pod;
  if (kind === NAMESPACE) return PEER.namespace;
  return kind === SERVICE ? PEER.service : null;
}

/** @param namespace whose rows are wanted; `null` = of all @throws CliError WEFT_CLI_USAGE: nothing is known of such a pair */
export function sourceOf(kind: ResourceKind, namespace: string | null, { to, from }: Ends): Source {
  if (from !== null) return fromSource(kind, from);
  if (to !== null) return toSource(kind, namespace, to);
  // Clients count calls to a Service: its pods do not know by which name they were called.
  if (kind === SERVICE) return sourceBy(PEER.service, 'outbound', 'requests', { namespace, owner: 'service' });
  const place = ownPlace(kind);
  if (place === null) throw new CliError('WEFT_CLI_USAGE', `there are no live numbers of ${kind.plural}`);
  return sourceBy(place, 'inbound', 'requests', { namespace, owner: 'reporter' });
}

function toSource(kind: ResourceKind, namespace: string | null, to: Other): Source {
  const place = ownPlace(kind);
  const other = peerPlace(to.kind);
  if (place === null || other === null || !takesPods(kind)) throw meaningless(kind, 'to', to);
  return sourceBy(place, 'outbound', countedOf(to.kind), { namespace, owner: 'reporter', where: labelled(other, to) });
}

function fromSource(kind: ResourceKind, from: Other): Source {
  const place = peerPlace(kind);
  const other = ownPlace(from.kind);
  if (place === null || other === null || !takesPods(from.kind)) throw meaningless(kind, 'from', from);
  const scope = { namespace: from.namespace, owner: 'reporter', where: labelled(other, from) } as const;
  return sourceBy(place, 'outbound', countedOf(kind), scope);
}

/** A request is sent to a Service; each attempt of it to a pod. */
function countedOf(kind: ResourceKind): Counted {
  return kind === SERVICE ? 'requests' : 'attempts';
}

function takesPods(kind: ResourceKind): boolean {
  return kind === POD || kind === NAMESPACE || WORKLOAD_KINDS.includes(kind);
}

function meaningless(kind: ResourceKind, option: string, { kind: other }: Other): CliError {
  return new CliError(
    'WEFT_CLI_USAGE',
    `${kind.plural} --${option} ${other.plural}: nothing is counted by such a pair`,
  );
}

function sourceBy(
  place: Place,
  direction: Direction,
  counted: Counted,
  { namespace, owner, where = {} }: Pick<Question, 'namespace' | 'owner'> & Partial<Pick<Question, 'where'>>,
): Source {
  const by: Dimension[] = [...new Set(Object.values(place) as Dimension[]), 'counted'];
  return { place, counted, question: { namespace, by, where: { ...where, direction }, owner } };
}

function labelled(place: Place, { kind, name, namespace }: Other): Question['where'] {
  const labels = place.kind === undefined ? {} : { [place.kind]: kind.kind };
  // Of a namespace both dimensions are one.
  return kind === NAMESPACE ? { [place.name]: name } : { ...labels, [place.namespace]: namespace, [place.name]: name };
}

/** `namespace/name` → what is known of it. Namespaces lie in none: `/name`. */
export async function figuresOf(
  traffic: Traffic,
  kind: ResourceKind,
  { question, place, counted }: Source,
): Promise<Map<string, Figures>> {
  const rows = new Map<string, Figures>();
  for (const item of await traffic.ask(question)) {
    if (place.kind !== undefined && item.label(place.kind).toLowerCase() !== kind.kind.toLowerCase()) continue;
    const key = keyOf(kind === NAMESPACE ? '' : item.label(place.namespace), item.label(place.name));
    addItem(rows, key, item, counted);
  }
  return rows;
}

/** Puts what an item has counted where it belongs; of a third sort there is nothing to show. */
export function addItem(rows: Map<string, Figures>, key: string, item: Item, counted: Counted): void {
  const before = rows.get(key) ?? { requests: null, connections: null };
  const sort = item.label('counted');
  if (sort === counted) rows.set(key, { ...before, requests: item });
  else if (sort === 'connections') rows.set(key, { ...before, connections: item });
}

export function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** `--to deploy/web`, with `--to-namespace`: one object. */
export function otherOf({ kind, name }: ResourceArgument, namespace: string, option: string): Other {
  if (name === null) throw new CliError('WEFT_CLI_USAGE', `${option} takes one object, such as deploy/web`);
  return { kind, name, namespace: kind === NAMESPACE ? name : namespace };
}
