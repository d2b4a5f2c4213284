type Sample = readonly [apiVersion: string, kind: string, name: string, spec: object];

const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';
const SERVER = { group: POLICY, kind: 'Server', name: 'web' } as const;
const SERVICE = { group: '', kind: 'Service', name: 'web', port: 80 } as const;

/** One of each kind whose status the operator writes, but for the Mesh. */
export const OBJECTS: readonly Sample[] = [
  ['linkerd.io/v1alpha2', 'ServiceProfile', 'web.shop.svc.cluster.local', { routes: [] }],
  ['split.smi-spec.io/v1alpha2', 'TrafficSplit', 'web', { service: 'web', backends: [{ service: 'web', weight: 1 }] }],
  [`${POLICY}/v1beta3`, 'Server', 'web', { podSelector: { matchLabels: { app: 'web' } }, port: 80 }],
  [
    `${POLICY}/v1beta1`,
    'ServerAuthorization',
    'web',
    { server: { name: 'web' }, client: { meshTLS: { serviceAccounts: [{ name: 'web' }] } } },
  ],
  [
    `${POLICY}/v1alpha1`,
    'AuthorizationPolicy',
    'web',
    { targetRef: SERVER, requiredAuthenticationRefs: [{ kind: 'ServiceAccount', name: 'web' }] },
  ],
  [`${POLICY}/v1alpha1`, 'MeshTLSAuthentication', 'web', { identities: ['*'] }],
  [`${POLICY}/v1alpha1`, 'NetworkAuthentication', 'web', { networks: [{ cidr: '10.0.0.0/8' }] }],
  [`${POLICY}/v1alpha1`, 'HTTPLocalRateLimitPolicy', 'web', { targetRef: SERVER, total: { requestsPerSecond: 100 } }],
  [`${POLICY}/v1beta3`, 'HTTPRoute', 'web', { parentRefs: [SERVER], rules: [{}] }],
  [`${GATEWAY}/v1`, 'HTTPRoute', 'web', { parentRefs: [SERVICE], rules: [{}] }],
  [`${GATEWAY}/v1`, 'GRPCRoute', 'web', { parentRefs: [SERVICE], rules: [{}] }],
  ['weft.dev/v1alpha1', 'HTTPFault', 'web', { fail: { status: 503 } }],
];
