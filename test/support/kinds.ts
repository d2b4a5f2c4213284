import { MESH_TLS_AUTHENTICATION } from '../../crds/kinds/authentication/mesh-tls.ts';
import { NETWORK_AUTHENTICATION } from '../../crds/kinds/authentication/network.ts';
import { AUTHORIZATION_POLICY } from '../../crds/kinds/authorization/authorization-policy.ts';
import { SERVER_AUTHORIZATION } from '../../crds/kinds/authorization/server-authorization.ts';
import { ENDPOINT_SLICE } from '../../crds/kinds/endpoint-slice/model.ts';
import { HTTP_LOCAL_RATE_LIMIT_POLICY } from '../../crds/kinds/http-local-rate-limit-policy/model.ts';
import { MESH } from '../../crds/kinds/mesh/model.ts';
import { NAMESPACE } from '../../crds/kinds/namespace/model.ts';
import { POD } from '../../crds/kinds/pod/model.ts';
import { KINDS } from '../../crds/kinds/registry.ts';
import type { KindRow } from '../../crds/kinds/row.ts';
import { SERVER } from '../../crds/kinds/server/model.ts';
import { SERVICE } from '../../crds/kinds/service/model.ts';
import { SERVICE_PROFILE } from '../../crds/kinds/service-profile/model.ts';
import { TRAFFIC_SPLIT } from '../../crds/kinds/traffic-split/model.ts';
import type { KindName, Model } from '../../crds/types/kind-name.ts';

/** Short names for tests that write many objects; a kind that is not here is named by its own `KindName`. */
export const NAMED = {
  Mesh: MESH,
  Namespace: NAMESPACE,
  Service: SERVICE,
  EndpointSlice: ENDPOINT_SLICE,
  Pod: POD,
  ServiceProfile: SERVICE_PROFILE,
  TrafficSplit: TRAFFIC_SPLIT,
  Server: SERVER,
  ServerAuthorization: SERVER_AUTHORIZATION,
  AuthorizationPolicy: AUTHORIZATION_POLICY,
  MeshTLSAuthentication: MESH_TLS_AUTHENTICATION,
  NetworkAuthentication: NETWORK_AUTHENTICATION,
  HTTPLocalRateLimitPolicy: HTTP_LOCAL_RATE_LIMIT_POLICY,
};

export type Named = keyof typeof NAMED;
export type ModelNamed<K extends Named> = (typeof NAMED)[K] extends KindName<infer M extends Model> ? M : never;

/** The name as the state takes it: TypeScript does not see that an entry of `NAMED` and its model belong together. */
export function named<K extends Named>(kind: K): KindName<ModelNamed<K>> {
  return NAMED[kind] as unknown as KindName<ModelNamed<K>>;
}

/** By `id` where two groups serve a kind of this name. */
export function rowOf(kind: string): KindRow {
  const row = KINDS.find((each) => each.id === kind) ?? KINDS.find((each) => each.kind === kind);
  if (row === undefined) throw new Error(`no row of kind ${kind}`);
  return row;
}
