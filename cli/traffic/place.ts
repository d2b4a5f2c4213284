import type { Dimension } from '../../crds/viz/dimensions.ts';
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
import type { Item } from './answer.ts';
import type { Question } from './traffic.ts';

/** One object, at the other end of what is shown. */
export interface Other {
  kind: ResourceKind;
  name: string;
  namespace: string;
}

/** In which dimensions an object stands in live numbers. */
export interface Place {
  namespace: Dimension;
  /** Where objects of several kinds stand in the same dimension. */
  kind?: Dimension;
  name: Dimension;
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
export function ownPlace(kind: ResourceKind): Place | null {
  if (WORKLOAD_KINDS.includes(kind)) return OWN.workload;
  if (kind === POD) return OWN.pod;
  if (kind === NAMESPACE) return OWN.namespace;
  if (kind === SERVER) return OWN.server;
  return kind === SERVER_AUTHORIZATION || kind === AUTHORIZATION_POLICY ? OWN.authorization : null;
}

/** At the other end of what is counted by clients. */
export function peerPlace(kind: ResourceKind): Place | null {
  if (WORKLOAD_KINDS.includes(kind)) return PEER.workload;
  if (kind === POD) return PEER.pod;
  if (kind === NAMESPACE) return PEER.namespace;
  return kind === SERVICE ? PEER.service : null;
}

/** What an object is found by. */
export function labelled(place: Place, { kind, name, namespace }: Other): Question['where'] {
  const labels = place.kind === undefined ? {} : { [place.kind]: kind.kind };
  // Of a namespace both dimensions are one.
  return kind === NAMESPACE ? { [place.name]: name } : { ...labels, [place.namespace]: namespace, [place.name]: name };
}

/** Whether an item is of an object of this kind. Policy spells its kinds in small letters. */
export function isAt({ kind, name }: Place, { kind: wanted }: ResourceKind, item: Item): boolean {
  return item.label(name) !== '' && (kind === undefined || item.label(kind).toLowerCase() === wanted.toLowerCase());
}
