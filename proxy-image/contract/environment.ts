import { DEFAULT_CLUSTER_NETWORKS, DEFAULT_INBOUND_POLICY } from './access-policy.ts';
import { DEFAULT_OPAQUE_PORTS, DEFAULT_SKIP_PORTS, OPERATOR_PORTS, PROXY_PORTS, PROXY_UID } from './ports.ts';

/**
 * Every environment variable of the proxy: written by injection (`webhooks/inject`), read once by `proxy-image/config/config.ts`.
 * `example` is what an injected pod carries; a variable without `fallback` is required by the verb `run`.
 */
export interface Variable {
  name: string;
  doc: string;
  fallback?: string;
}

export const ENVIRONMENT = {
  podName: { name: 'WEFT_PROXY_POD_NAME', doc: 'metadata.name' },
  podNamespace: { name: 'WEFT_PROXY_POD_NAMESPACE', doc: 'metadata.namespace' },
  podIps: { name: 'WEFT_PROXY_POD_IPS', doc: 'status.podIPs, comma-separated' },
  nodeName: { name: 'WEFT_PROXY_NODE_NAME', doc: 'spec.nodeName', fallback: '' },
  logLevel: { name: 'WEFT_PROXY_LOG_LEVEL', doc: 'debug, info, warn, error or off', fallback: 'info' },
  accessLog: { name: 'WEFT_PROXY_ACCESS_LOG', doc: 'apache or json; empty = off', fallback: '' },
  outboundListen: {
    name: 'WEFT_PROXY_OUTBOUND_LISTEN',
    doc: 'comma-separated address:port',
    fallback: `127.0.0.1:${PROXY_PORTS.outbound},[::1]:${PROXY_PORTS.outbound}`,
  },
  inboundListen: {
    name: 'WEFT_PROXY_INBOUND_LISTEN',
    doc: 'mTLS from other proxies',
    fallback: `[::]:${PROXY_PORTS.inboundMesh}`,
  },
  inboundPlainListen: {
    name: 'WEFT_PROXY_INBOUND_PLAIN_LISTEN',
    doc: 'redirected plaintext',
    fallback: `[::]:${PROXY_PORTS.inboundPlain}`,
  },
  adminListen: { name: 'WEFT_PROXY_ADMIN_LISTEN', doc: '/live /ready /metrics', fallback: `[::]:${PROXY_PORTS.admin}` },
  tapPort: {
    name: 'WEFT_PROXY_TAP_PORT',
    doc: 'control port, at the addresses of the admin listener: what the control plane asks of one proxy (0 = any free one)',
    fallback: String(PROXY_PORTS.tap),
  },
  controlHost: {
    name: 'WEFT_PROXY_CONTROL_HOST',
    doc: 'host name or address of the operator; a name is always looked up as absolute, with or without its final dot',
    fallback: 'weft-operator.weft-system.svc.cluster.local',
  },
  configPort: {
    name: 'WEFT_PROXY_CONFIG_PORT',
    doc: 'port of the configuration stream',
    fallback: String(OPERATOR_PORTS.config),
  },
  identityPort: {
    name: 'WEFT_PROXY_IDENTITY_PORT',
    doc: 'port of certificate signing',
    fallback: String(OPERATOR_PORTS.identity),
  },
  controlIdentity: { name: 'WEFT_PROXY_CONTROL_IDENTITY', doc: 'TLS identity that the operator must prove' },
  identityName: {
    name: 'WEFT_PROXY_IDENTITY_NAME',
    doc: 'own TLS identity, written into the CSR (the answer follows the token)',
  },
  identityDir: {
    name: 'WEFT_PROXY_IDENTITY_DIR',
    doc: 'memory-backed: key, certificate, bundle and last snapshot',
    fallback: '/var/run/linkerd/identity/end-entity',
  },
  tokenFile: {
    name: 'WEFT_PROXY_TOKEN_FILE',
    doc: 'projected ServiceAccount token, audience identity.l5d.io',
    fallback: '/var/run/secrets/tokens/linkerd-identity-token',
  },
  trustAnchors: {
    name: 'WEFT_PROXY_TRUST_ANCHORS',
    doc: 'PEM bundle at injection time; newer ones arrive as resource `trust`',
  },
  configSource: { name: 'WEFT_PROXY_CONFIG_SOURCE', doc: 'operator or kubernetes (direct mode)', fallback: 'operator' },
  accountDir: {
    name: 'WEFT_PROXY_ACCOUNT_DIR',
    doc: 'direct mode: folder with token and ca.crt for the API server',
    fallback: '/var/run/secrets/kubernetes.io/serviceaccount',
  },
  defaultInboundPolicy: {
    name: 'WEFT_PROXY_DEFAULT_INBOUND_POLICY',
    doc: 'in force until the workload resource arrives',
    fallback: DEFAULT_INBOUND_POLICY,
  },
  clusterNetworks: {
    name: 'WEFT_PROXY_CLUSTER_NETWORKS',
    doc: 'comma-separated CIDRs for the cluster-* default policies',
    fallback: DEFAULT_CLUSTER_NETWORKS.join(','),
  },
  detectTimeoutMs: { name: 'WEFT_PROXY_DETECT_TIMEOUT_MS', doc: 'protocol detection, milliseconds', fallback: '10000' },
  maxHeadBytes: {
    name: 'WEFT_PROXY_MAX_HEAD_BYTES',
    doc: 'largest head of a request or response, bytes (head-bytes.ts)',
    fallback: '65536',
  },
  opaquePorts: {
    name: 'WEFT_PROXY_OPAQUE_PORTS',
    doc: 'inbound ports without detection',
    fallback: DEFAULT_OPAQUE_PORTS,
  },
  requireIdentityPorts: {
    name: 'WEFT_PROXY_REQUIRE_IDENTITY_PORTS',
    doc: 'inbound ports that need a client identity',
    fallback: '',
  },
  skipInboundPorts: {
    name: 'WEFT_PROXY_SKIP_INBOUND_PORTS',
    doc: 'init: inbound ports and ranges that bypass the proxy',
    fallback: DEFAULT_SKIP_PORTS,
  },
  skipOutboundPorts: {
    name: 'WEFT_PROXY_SKIP_OUTBOUND_PORTS',
    doc: 'init: outbound ports and ranges that bypass the proxy',
    fallback: DEFAULT_SKIP_PORTS,
  },
  skipSubnets: {
    name: 'WEFT_PROXY_SKIP_SUBNETS',
    doc: 'init: source CIDRs whose inbound traffic bypasses the proxy',
    fallback: '',
  },
  uid: { name: 'WEFT_PROXY_UID', doc: 'init: traffic of this user id is not redirected', fallback: String(PROXY_UID) },
  shutdownGraceMs: { name: 'WEFT_PROXY_SHUTDOWN_GRACE_MS', doc: 'longest drain, milliseconds', fallback: '120000' },
  shutdownWaitMs: {
    name: 'WEFT_PROXY_SHUTDOWN_WAIT_MS',
    doc: 'after SIGTERM everything goes on for so long before the drain begins, milliseconds',
    fallback: '0',
  },
  outliveApplication: {
    name: 'WEFT_PROXY_OUTLIVE_APPLICATION',
    doc: 'enabled: after SIGTERM the proxy stays while other users have sockets in its network namespace; for an ordinary container',
    fallback: 'disabled',
  },
  adminShutdown: {
    name: 'WEFT_PROXY_ADMIN_SHUTDOWN',
    doc: 'enabled: POST /shutdown from loopback drains the proxy',
    fallback: 'disabled',
  },
  relayedProbes: {
    name: 'WEFT_PROXY_RELAYED_PROBES',
    doc: 'JSON: probes of the application that the admin port answers for it (relayed-probes.ts)',
    fallback: '[]',
  },
  localNetwork: {
    name: 'WEFT_PROXY_LOCAL_NETWORK',
    doc: 'file with explicit listeners and address translations instead of redirection (embedded mode); empty = redirected traffic',
    fallback: '',
  },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof ENVIRONMENT;
