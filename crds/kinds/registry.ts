import { AUTHORIZATION_POLICY_ROW } from './authorization-policy/kind.ts';
import { ENDPOINT_SLICE_ROW } from './endpoint-slice/kind.ts';
import { GRPC_ROUTE_ROW } from './grpc-route/kind.ts';
import { HTTP_FAULT_ROW } from './http-fault/kind.ts';
import { HTTP_LOCAL_RATE_LIMIT_POLICY_ROW } from './http-local-rate-limit-policy/kind.ts';
import { HTTP_ROUTE_ROW, POLICY_HTTP_ROUTE_ROW } from './http-route/kind.ts';
import { MESH_ROW } from './mesh/kind.ts';
import { MESH_TLS_AUTHENTICATION_ROW } from './mesh-tls-authentication/kind.ts';
import { NAMESPACE_ROW } from './namespace/kind.ts';
import { NETWORK_AUTHENTICATION_ROW } from './network-authentication/kind.ts';
import { POD_ROW } from './pod/kind.ts';
import type { KindRow } from './row.ts';
import { SERVER_ROW } from './server/kind.ts';
import { SERVER_AUTHORIZATION_ROW } from './server-authorization/kind.ts';
import { SERVICE_ROW } from './service/kind.ts';
import { SERVICE_PROFILE_ROW } from './service-profile/kind.ts';
import { TRAFFIC_SPLIT_ROW } from './traffic-split/kind.ts';

/** Every kind that Weft watches; there is no other list of them. */
export const KINDS: readonly KindRow[] = [
  NAMESPACE_ROW,
  SERVICE_ROW,
  ENDPOINT_SLICE_ROW,
  POD_ROW,
  SERVICE_PROFILE_ROW,
  TRAFFIC_SPLIT_ROW,
  SERVER_ROW,
  SERVER_AUTHORIZATION_ROW,
  AUTHORIZATION_POLICY_ROW,
  MESH_TLS_AUTHENTICATION_ROW,
  NETWORK_AUTHENTICATION_ROW,
  HTTP_LOCAL_RATE_LIMIT_POLICY_ROW,
  HTTP_ROUTE_ROW,
  POLICY_HTTP_ROUTE_ROW,
  GRPC_ROUTE_ROW,
  HTTP_FAULT_ROW,
  MESH_ROW,
];
