import { reduceEndpointSlice } from '../../../../crds/kinds/endpoint-slice/parse.ts';
import { parseMesh } from '../../../../crds/kinds/mesh/parse.ts';
import { reduceNamespace } from '../../../../crds/kinds/namespace/parse.ts';
import { reducePod } from '../../../../crds/kinds/pod/parse.ts';
import { parseServer } from '../../../../crds/kinds/server/parse.ts';
import { parseServerAuthorization } from '../../../../crds/kinds/server-authorization/parse.ts';
import { reduceService } from '../../../../crds/kinds/service/parse.ts';
import { parseServiceProfile } from '../../../../crds/kinds/service-profile/parse.ts';
import { parseTrafficSplit } from '../../../../crds/kinds/traffic-split/parse.ts';
import type { ModelByKind, ModelKind } from '../../../../crds/state/object-ref.ts';
import type { Usable } from '../../../../crds/types/problem.ts';

/** One kind that direct mode watches. `parse` never throws. */
export interface WatchedKind<K extends ModelKind = ModelKind> {
  kind: K;
  /** Path of the collection over all namespaces, stored version (ClusterRole `weft-proxy-direct` names the same). */
  path: string;
  parse(raw: unknown): Usable<ModelByKind[K]>;
}

/** Kinds of Kubernetes itself: their reduced models always make sense. */
function reduced<M>(reduce: (raw: unknown) => M): (raw: unknown) => Usable<M> {
  return (raw) => ({ model: reduce(raw) });
}

type WatchedKinds = { readonly [K in ModelKind]: WatchedKind<K> };

export const WATCHED_KINDS: WatchedKinds = {
  Mesh: { kind: 'Mesh', path: '/apis/weft.dev/v1alpha1/meshes', parse: parseMesh },
  Namespace: { kind: 'Namespace', path: '/api/v1/namespaces', parse: reduced(reduceNamespace) },
  Service: { kind: 'Service', path: '/api/v1/services', parse: reduced(reduceService) },
  EndpointSlice: {
    kind: 'EndpointSlice',
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    parse: reduced(reduceEndpointSlice),
  },
  Pod: { kind: 'Pod', path: '/api/v1/pods', parse: reduced(reducePod) },
  ServiceProfile: {
    kind: 'ServiceProfile',
    path: '/apis/linkerd.io/v1alpha2/serviceprofiles',
    parse: parseServiceProfile,
  },
  TrafficSplit: {
    kind: 'TrafficSplit',
    path: '/apis/split.smi-spec.io/v1alpha1/trafficsplits',
    parse: parseTrafficSplit,
  },
  Server: {
    kind: 'Server',
    path: '/apis/policy.linkerd.io/v1beta3/servers',
    parse: parseServer,
  },
  ServerAuthorization: {
    kind: 'ServerAuthorization',
    path: '/apis/policy.linkerd.io/v1beta1/serverauthorizations',
    parse: parseServerAuthorization,
  },
};
