import type { ServerAuthorizationModel } from '../../crds/kinds/authorization/server-authorization.ts';
import type { EndpointSliceModel } from '../../crds/kinds/endpoint-slice/model.ts';
import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import { DEFAULT_MESH } from '../../crds/kinds/mesh/parse.ts';
import type { NamespaceModel } from '../../crds/kinds/namespace/model.ts';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { KINDS } from '../../crds/kinds/registry.ts';
import type { ServerModel } from '../../crds/kinds/server/model.ts';
import type { ServiceModel } from '../../crds/kinds/service/model.ts';
import type { ServiceProfileModel } from '../../crds/kinds/service-profile/model.ts';
import type { TrafficSplitModel } from '../../crds/kinds/traffic-split/model.ts';
import { ClusterState } from '../../crds/state/cluster-state.ts';
import type { ReadKey } from '../../crds/state/view.ts';
import type { KindName, Model } from '../../crds/types/kind-name.ts';
import type { ObjectMeta } from '../../crds/types/object-meta.ts';
import { CONTROL_PLANE_LABEL } from '../../proxy-image/contract/names.ts';
import { PROXY_PORTS } from '../../proxy-image/contract/ports.ts';
import type { Route } from '../../proxy-image/contract/resources.ts';
import { type ModelNamed, type Named, named } from './kinds.ts';

/** Small models for tests: everything has a default, tests state what they are about. Namespace `app` unless said otherwise. */

export function meta(name: string, fields: Partial<ObjectMeta> = {}): ObjectMeta {
  return {
    namespace: 'app',
    name,
    uid: `uid-${fields.namespace ?? 'app'}-${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: {},
    annotations: {},
    ...fields,
  };
}

type Fields<M> = Partial<Omit<M, 'meta'>> & { meta?: Partial<ObjectMeta> };

export function mesh(fields: Partial<MeshModel> = {}): MeshModel {
  return { ...DEFAULT_MESH, meta: meta('default', { namespace: '' }), ...fields };
}

export function namespace(name: string, annotations: Record<string, string> = {}): NamespaceModel {
  return { meta: meta(name, { namespace: '', annotations }), writtenAt: '' };
}

export function servicePort(
  port: number,
  fields: Partial<ServiceModel['ports'][number]> = {},
): ServiceModel['ports'][number] {
  return { name: 'http', port, targetPort: 8080, protocol: 'TCP', appProtocol: '', ...fields };
}

export function service(name: string, clusterIP: string, fields: Fields<ServiceModel> = {}): ServiceModel {
  return {
    type: 'ClusterIP',
    clusterIPs: clusterIP === '' ? [] : [clusterIP],
    headless: clusterIP === '',
    ports: [servicePort(80)],
    internalTrafficPolicy: 'Cluster',
    selector: { app: name },
    ...fields,
    meta: meta(name, fields.meta),
  };
}

export function sliceEndpoint(
  address: string,
  fields: Partial<EndpointSliceModel['endpoints'][number]> = {},
): EndpointSliceModel['endpoints'][number] {
  return {
    addresses: [address],
    ready: true,
    terminating: false,
    serving: true,
    targetPod: '',
    nodeName: 'node-1',
    zone: '',
    hintZones: [],
    ...fields,
  };
}

export function slice(
  name: string,
  ofService: string,
  endpoints: EndpointSliceModel['endpoints'],
  fields: Fields<EndpointSliceModel> = {},
): EndpointSliceModel {
  return {
    service: ofService,
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
    ...fields,
    meta: meta(name, fields.meta),
  };
}

/** A meshed, running pod of a Deployment. */
export function pod(name: string, ip: string, fields: Fields<PodModel> = {}): PodModel {
  return {
    ips: [ip],
    phase: 'Running',
    terminating: false,
    hostNetwork: false,
    serviceAccount: 'web',
    nodeName: 'node-1',
    owner: { kind: 'Deployment', name: 'web' },
    containerPorts: [{ name: 'http', port: 8080 }],
    httpProbes: [],
    grpcProbePorts: [],
    meshed: true,
    proxyPorts: PROXY_PORTS,
    skipInboundPorts: [],
    obstacles: [],
    writtenAt: '',
    ...fields,
    meta: meta(name, { labels: { app: 'web', [CONTROL_PLANE_LABEL]: 'weft-system' }, ...fields.meta }),
  };
}

export function route(name: string, fields: Partial<Route> = {}): Route {
  return {
    name,
    match: { type: 'path', regex: `/${name}` },
    isRetryable: false,
    timeoutMs: 0,
    responseClasses: [],
    ...fields,
  };
}

/** A profile of `<service>.app.svc.cluster.local`, in `app` unless `meta.namespace` says otherwise. */
export function profile(ofService: string, fields: Fields<ServiceProfileModel> = {}): ServiceProfileModel {
  return {
    target: { service: ofService, namespace: 'app', domain: 'cluster.local' },
    routes: [],
    retryBudget: null,
    dstOverrides: [],
    opaquePorts: [],
    ...fields,
    meta: meta(`${ofService}.app.svc.cluster.local`, fields.meta),
  };
}

export function override(name: string, weight: number, port = 0): ServiceProfileModel['dstOverrides'][number] {
  return { authority: `${name}.app.svc.cluster.local`, service: name, namespace: 'app', port, weight };
}

export function split(
  name: string,
  root: string,
  weights: Record<string, number>,
  fields: Partial<ObjectMeta> = {},
): TrafficSplitModel {
  const backends = Object.entries(weights).map(([backend, weight]) => ({ service: backend, weight }));
  return { meta: meta(name, fields), service: root, backends };
}

export function server(name: string, fields: Fields<ServerModel> = {}): ServerModel {
  return {
    podSelector: { matchLabels: { app: 'web' }, matchExpressions: [] },
    port: 8080,
    proxyProtocol: 'unknown',
    accessPolicy: 'deny',
    ...fields,
    meta: meta(name, fields.meta),
  };
}

export function authorization(name: string, fields: Fields<ServerAuthorizationModel> = {}): ServerAuthorizationModel {
  return {
    server: { name: 'web' },
    networks: [],
    client: { type: 'meshTls', identities: ['*'], serviceAccounts: [] },
    ...fields,
    meta: meta(name, fields.meta),
  };
}

/** A state that is filled by kind; every object gets a newer resourceVersion than the one before. */
export class TestCluster {
  readonly state = new ClusterState(KINDS);
  #revision = 1_000;

  get revision(): number {
    return this.#revision;
  }

  apply<K extends Named>(kind: K, ...models: ModelNamed<K>[]): ReadonlySet<ReadKey> {
    return this.put(named(kind), ...models);
  }

  put<M extends Model>(kind: KindName<M>, ...models: M[]): ReadonlySet<ReadKey> {
    const touched = new Set<ReadKey>();
    for (const model of models) {
      this.#revision += 1;
      const stamped = {
        ...model,
        meta: { ...(model.meta ?? meta('default')), resourceVersion: String(this.#revision) },
      };
      for (const read of this.state.apply(kind, stamped, stamped.meta)) touched.add(read);
    }
    return touched;
  }

  remove<K extends Named>(kind: K, model: ModelNamed<K>): ReadonlySet<ReadKey> {
    this.#revision += 1;
    const { meta: own } = model;
    return this.state.apply(named(kind), null, {
      ...(own ?? meta('default')),
      resourceVersion: String(this.#revision),
    });
  }
}

/** One Service `web` at 10.0.0.1:80 with two meshed pods. */
export function webCluster(): TestCluster {
  const cluster = new TestCluster();
  cluster.apply('Namespace', namespace('app'), namespace('client'));
  cluster.apply('Service', service('web', '10.0.0.1'));
  cluster.apply('Pod', pod('web-1', '10.1.0.1'), pod('web-2', '10.1.0.2'));
  cluster.apply(
    'EndpointSlice',
    slice('web-abc', 'web', [
      sliceEndpoint('10.1.0.1', { targetPod: 'web-1' }),
      sliceEndpoint('10.1.0.2', { targetPod: 'web-2' }),
    ]),
  );
  return cluster;
}
