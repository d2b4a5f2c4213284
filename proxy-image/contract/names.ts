/** Names that both sides of a contract must spell alike. */
export const CONTROL_PLANE_NAMESPACE = 'weft-system';
export const CONTROL_PLANE_SERVICE = 'weft-operator';
/** By which API servers reach the aggregated API; its one port, and that of the operator's Service by which replicas reach one another, has this name. */
export const VIZ_SERVICE = 'weft-viz';
export const VIZ_PORT_NAME = 'viz';
/** Of the operator's Service and its pods: proxies connect to it, and the leader to replicas that have proxies. A pod without it has none. */
export const CONFIG_PORT_NAME = 'config';
export const CONTROL_PLANE_SERVICE_ACCOUNT = 'weft-operator';
/** Secrets of the control plane's namespace, which all replicas of the operator share. */
export const ANCHOR_SECRET = 'weft-trust-anchor';
export const ISSUER_SECRET = 'weft-identity-issuer';
export const WEBHOOK_AUTHORITY_SECRET = 'weft-webhook-ca';
/** What `spec.identity.rotation` of the Mesh has asked for so far. */
export const ROTATION_SECRET = 'weft-identity-rotation';
/** For processes with some of the roles alone: what everybody may know of the trust, and what the operator proves to proxies. */
export const PUBLISHED_SECRET = 'weft-identity-trust';
export const CONTROL_SECRET = 'weft-control-certificates';
export const FIELD_MANAGER = 'weft-operator';
export const TOKEN_AUDIENCE = 'identity.l5d.io';
export const DEFAULT_IDENTITY_SUFFIX = 'linkerd.cluster.local';
export const DEFAULT_CLUSTER_DOMAIN = 'cluster.local';
/** ALPN of connections between proxies; the transport header follows (Linkerd: transport-header). */
export const TRANSPORT_ALPN = 'transport.l5d.io/v1';
export const PROXY_CONTAINER = 'linkerd-proxy';
/** Ports of that container; a Server may name them. */
export const PROXY_PORT_NAMES = { inboundMesh: 'linkerd-proxy', admin: 'linkerd-admin' } as const;
export const INIT_CONTAINER = 'linkerd-init';
/** Label that marks a meshed pod; its value is the control plane's namespace. */
export const CONTROL_PLANE_LABEL = 'linkerd.io/control-plane-ns';

/** `<serviceaccount>.<namespace>.serviceaccount.identity.<suffix>` */
export function serviceAccountIdentity(serviceAccount: string, namespace: string, suffix: string): string {
  return `${serviceAccount}.${namespace}.serviceaccount.identity.${suffix}`;
}

/** All ServiceAccounts of a namespace, as policies match identities. */
export function serviceAccountsOf(namespace: string, suffix: string): string {
  return serviceAccountIdentity('*', namespace, suffix);
}
