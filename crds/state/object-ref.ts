import type { EndpointSliceModel } from '../kinds/endpoint-slice/model.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import type { NamespaceModel } from '../kinds/namespace/model.ts';
import type { PodModel } from '../kinds/pod/model.ts';
import type { ServerModel } from '../kinds/server/model.ts';
import type { ServerAuthorizationModel } from '../kinds/server-authorization/model.ts';
import type { ServiceModel } from '../kinds/service/model.ts';
import type { ServiceProfileModel } from '../kinds/service-profile/model.ts';
import type { TrafficSplitModel } from '../kinds/traffic-split/model.ts';

export interface ModelByKind {
  Mesh: MeshModel;
  Namespace: NamespaceModel;
  Service: ServiceModel;
  EndpointSlice: EndpointSliceModel;
  Pod: PodModel;
  ServiceProfile: ServiceProfileModel;
  TrafficSplit: TrafficSplitModel;
  Server: ServerModel;
  ServerAuthorization: ServerAuthorizationModel;
}

export type ModelKind = keyof ModelByKind;
export type Model = ModelByKind[ModelKind];

/** The kinds whose status counts the proxies that run with them. `Mesh` is in every resource and is counted over all connections instead. */
export const COUNTED_KINDS = ['ServiceProfile', 'TrafficSplit', 'Server', 'ServerAuthorization'] as const;
export type CountedKind = (typeof COUNTED_KINDS)[number];

export interface ObjectRef {
  kind: CountedKind;
  namespace: string;
  name: string;
}

/** Text form of an `ObjectRef`: `TrafficSplit/emojivoto/web`. */
export type ObjectRefText = string;

export function formatRef(ref: ObjectRef): ObjectRefText {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}

export function parseRef(text: ObjectRefText): ObjectRef | null {
  const [kindText, namespace = '', name = ''] = text.split('/');
  const kind = COUNTED_KINDS.find((each) => each === kindText);
  return kind === undefined ? null : { kind, namespace, name };
}
