import { NAMESPACES } from '../world.ts';

type Raw = Record<string, unknown>;
const GROUP = 'policy.linkerd.io';
const ROWS = NAMESPACES['shop']!;
const DOMAIN = 'serviceaccount.identity.linkerd.cluster.local';

export const identityOf = (account: string, namespace = ROWS): string => `${account}.${namespace}.${DOMAIN}`;

/** The clients' names in the mesh. */
export const ONE = identityOf('one');
export const TWO = identityOf('two');
export const BUYER = identityOf('buyer', NAMESPACES['buyer']);

function policyObject(version: string, kind: string, name: string, spec: object, namespace = ROWS): Raw {
  return { apiVersion: `${GROUP}/${version}`, kind, metadata: { name, namespace }, spec };
}

export const serverAuthorization = (name: string, server: object, client: object): Raw =>
  policyObject('v1beta1', 'ServerAuthorization', name, { server, client });

export const server = (name: string, spec: object, namespace = ROWS): Raw => ({
  ...policyObject('v1beta3', 'Server', name, spec, namespace),
  metadata: { name, namespace, labels: { row: name } },
});

export function authorizationPolicy(name: string, target: Raw, required: Raw[], namespace = ROWS): Raw {
  const spec = { targetRef: target, requiredAuthenticationRefs: required };
  return policyObject('v1alpha1', 'AuthorizationPolicy', name, spec, namespace);
}

export const meshTls = (name: string, spec: object): Raw =>
  policyObject('v1alpha1', 'MeshTLSAuthentication', name, spec);
export const networks = (name: string, ...list: object[]): Raw =>
  policyObject('v1alpha1', 'NetworkAuthentication', name, { networks: list });
export const rateLimit = (name: string, limits: object): Raw =>
  policyObject('v1alpha1', 'HTTPLocalRateLimitPolicy', name, { targetRef: toServer(name), ...limits });

/** HTTPRoute of Linkerd's group on a Server. */
export const route = (name: string, serverName: string, rules: object[]): Raw =>
  policyObject('v1beta3', 'HTTPRoute', name, { parentRefs: [toServer(serverName)], rules });

/** GRPCRoute of the Gateway API on a Server. */
export const grpcRoute = (name: string, serverName: string, rules: object[]): Raw => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GRPCRoute',
  metadata: { name, namespace: ROWS },
  spec: { parentRefs: [toServer(serverName)], rules },
});

export const toServer = (name: string): Raw => ({ group: GROUP, kind: 'Server', name });
export const toRoute = (name: string): Raw => ({ group: GROUP, kind: 'HTTPRoute', name });
export const toGrpcRoute = (name: string): Raw => ({ group: 'gateway.networking.k8s.io', kind: 'GRPCRoute', name });
export const toNamespace = (name: string): Raw => ({ kind: 'Namespace', name });
export const byMeshTls = (name: string, more: object = {}): Raw => ({
  group: GROUP,
  kind: 'MeshTLSAuthentication',
  name,
  ...more,
});
export const byNetwork = (name: string): Raw => ({ group: GROUP, kind: 'NetworkAuthentication', name });
export const byAccount = (name: string, namespace?: string): Raw => ({
  kind: 'ServiceAccount',
  name,
  ...(namespace === undefined ? {} : { namespace }),
});
