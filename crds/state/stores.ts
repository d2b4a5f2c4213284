import type { EndpointSliceModel } from '../kinds/endpoint-slice/model.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import type { PodModel } from '../kinds/pod/model.ts';
import type { ServerModel } from '../kinds/server/model.ts';
import type { ServerAuthorizationModel } from '../kinds/server-authorization/model.ts';
import type { ServiceModel } from '../kinds/service/model.ts';
import type { TrafficSplitModel } from '../kinds/traffic-split/model.ts';
import type { ObjectMeta } from '../types/object-meta.ts';
import type { ModelByKind, ModelKind } from './object-ref.ts';
import { MESH_READ, READS } from './reads.ts';
import { SelectorIndex } from './selector-index.ts';
import { KeyIndex, Store } from './store.ts';
import type { ReadKey, TrustModel } from './view.ts';

type StoreByKind = { readonly [K in ModelKind]: Store<ModelByKind[K]> };
type OwnReads = { readonly [K in ModelKind]: (meta: ObjectMeta) => Set<ReadKey> };

/** One store per kind, and the indexes that a `StateView` asks. */
export interface Stores {
  readonly byKind: StoreByKind;
  /** The reads that look an object up by its own name. */
  readonly ownReads: OwnReads;
  readonly defaultMesh: MeshModel;
  trust: TrustModel | null;
  readonly serviceByIp: KeyIndex<ServiceModel>;
  readonly servicesSelecting: SelectorIndex<ServiceModel>;
  readonly slicesOfService: KeyIndex<EndpointSliceModel>;
  readonly podByIp: KeyIndex<PodModel>;
  readonly splitsOfService: KeyIndex<TrafficSplitModel>;
  readonly serversSelecting: SelectorIndex<ServerModel>;
  readonly authorizationsOfServer: KeyIndex<ServerAuthorizationModel>;
}

const OWN_READS: OwnReads = {
  Mesh: () => new Set([MESH_READ]),
  Namespace: (meta) => new Set([READS.namespace(meta.name)]),
  Service: (meta) => new Set([READS.service(meta.namespace, meta.name)]),
  EndpointSlice: () => new Set(),
  Pod: (meta) => new Set([READS.pod(meta.namespace, meta.name), READS.pods(meta.namespace)]),
  ServiceProfile: (meta) => new Set([READS.profile(meta.namespace, meta.name)]),
  TrafficSplit: () => new Set(),
  Server: (meta) => new Set([READS.servers(meta.namespace)]),
  ServerAuthorization: () => new Set(),
};

export const MODEL_KINDS: readonly ModelKind[] = [
  'Mesh',
  'Namespace',
  'Service',
  'EndpointSlice',
  'Pod',
  'ServiceProfile',
  'TrafficSplit',
  'Server',
  'ServerAuthorization',
];

export function createStores(defaultMesh: MeshModel): Stores {
  const indexes = createIndexes();
  const byKind: StoreByKind = {
    Mesh: new Store(),
    Namespace: new Store(),
    Service: new Store([indexes.serviceByIp, indexes.servicesSelecting]),
    EndpointSlice: new Store([indexes.slicesOfService]),
    Pod: new Store([indexes.podByIp]),
    ServiceProfile: new Store(),
    TrafficSplit: new Store([indexes.splitsOfService]),
    Server: new Store([indexes.serversSelecting]),
    ServerAuthorization: new Store([indexes.authorizationsOfServer]),
  };
  return { byKind, ownReads: OWN_READS, defaultMesh, trust: null, ...indexes };
}

function createIndexes() {
  return {
    serviceByIp: new KeyIndex<ServiceModel>((service) => service.clusterIPs.map(READS.serviceByIp)),
    servicesSelecting: new SelectorIndex<ServiceModel>(serviceSelector, {
      byLabel: READS.servicesByLabel,
      labelKeys: READS.serviceLabelKeys,
    }),
    slicesOfService: new KeyIndex<EndpointSliceModel>((slice, meta) =>
      slice.service === '' ? [] : [READS.endpointSlices(meta.namespace, slice.service)],
    ),
    podByIp: new KeyIndex<PodModel>((pod) => (ownsItsAddress(pod) ? pod.ips.map(READS.podByIp) : [])),
    splitsOfService: new KeyIndex<TrafficSplitModel>((split, meta) => [READS.splits(meta.namespace, split.service)]),
    serversSelecting: new SelectorIndex<ServerModel>((server) => server.podSelector, {
      byLabel: READS.serversByLabel,
      labelKeys: READS.serverLabelKeys,
    }),
    authorizationsOfServer: new KeyIndex<ServerAuthorizationModel>(authorizationReads),
  };
}

/** A Service without selector selects no pod (its EndpointSlices are written by somebody else). */
function serviceSelector(service: ServiceModel) {
  const hasSelector = Object.keys(service.selector).length > 0;
  return hasSelector ? { matchLabels: service.selector, matchExpressions: [] } : null;
}

/** The address of a finished pod is given to another one; a pod on the host's network answers for its node. */
function ownsItsAddress(pod: PodModel): boolean {
  return !pod.hostNetwork && (pod.phase === 'Pending' || pod.phase === 'Running');
}

function authorizationReads(authorization: ServerAuthorizationModel, meta: ObjectMeta): ReadKey[] {
  const { server } = authorization;
  return [READS.authorizations(meta.namespace, 'name' in server ? server.name : '*')];
}
