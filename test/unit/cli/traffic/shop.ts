import type { Reporter } from '../../../../crds/viz/dimensions.ts';
import type { SeriesLabels } from '../../../../proxy-image/contract/traffic/labels.ts';
import type { LiveCluster, LiveObject } from '../../../support/live-cluster.ts';

/** Numbers of buckets of the histogram: responses within 2 ms, 10 ms, 40 ms. */
export const WITHIN_MS = { 2: 1, 10: 5, 40: 8 } as const;

export function object(apiVersion: string, kind: string, namespace: string, name: string, more = {}): LiveObject {
  return { apiVersion, kind, metadata: { name, namespace, labels: { app: name } }, ...more };
}

/** A pod of a Deployment, with a proxy or without. */
export function pod(namespace: string, owner: string, suffix: string, { meshed = true, phase = 'Running' } = {}) {
  const hash = 'abc12';
  const labels = { 'pod-template-hash': hash, ...(meshed ? { 'linkerd.io/control-plane-ns': 'weft-system' } : {}) };
  const ownerReferences = [{ kind: 'ReplicaSet', name: `${owner}-${hash}`, controller: true }];
  const metadata = { name: `${owner}-${hash}-${suffix}`, namespace, labels, ownerReferences };
  return { apiVersion: 'v1', kind: 'Pod', metadata, status: { phase } };
}

export function proxyOf(namespace: string, name: string, suffix = 'x1'): Reporter {
  const identity = `${name}.${namespace}.serviceaccount.identity.linkerd.cluster.local`;
  return { namespace, kind: 'Deployment', name, pod: `${name}-abc12-${suffix}`, identity };
}

export const INBOUND: SeriesLabels = {
  direction: 'inbound',
  counted: 'requests',
  tls: 'true',
  peerIdentity: 'web.shop.serviceaccount.identity.linkerd.cluster.local',
  serverKind: 'server',
  serverName: 'api-http',
  serverPort: '8080',
  routeKind: 'HTTPRoute',
  routeNamespace: 'shop',
  routeName: 'votes',
  authorizationKind: 'authorizationpolicy',
  authorizationName: 'web-only',
};

/** Calls of web to the Service of api, as its proxy tells them: by their route, and the backend that they ended at. */
export const OUTBOUND: SeriesLabels = {
  direction: 'outbound',
  counted: 'requests',
  authority: 'api.shop.svc.cluster.local:80',
  serviceNamespace: 'shop',
  serviceName: 'api',
  servicePort: '80',
  routeKind: 'ServiceProfile',
  routeNamespace: 'shop',
  routeName: 'POST /votes',
  backendNamespace: 'shop',
  backendName: 'api',
  backendPort: '80',
};

/** Their attempts at the pods of api. */
export const ATTEMPTS: SeriesLabels = {
  ...OUTBOUND,
  counted: 'attempts',
  tls: 'true',
  peerNamespace: 'shop',
  peerKind: 'Deployment',
  peerName: 'api',
  peerPod: 'api-abc12-x1',
  peerIdentity: 'api.shop.serviceaccount.identity.linkerd.cluster.local',
};

/** To bare, which has no proxy. */
const PLAINTEXT: SeriesLabels = {
  direction: 'outbound',
  counted: 'connections',
  tls: 'no_identity',
  noTlsReason: 'not_provided_by_service_discovery',
  peerNamespace: 'shop',
  peerKind: 'Deployment',
  peerName: 'bare',
  peerPod: 'bare-abc12-x1',
};

/**
 * Two Deployments with a proxy, of which web calls api; one without, and one in another namespace. In a minute: 600 requests at api, of which 90 have failed and
 * 6 took too long; web has made 612 attempts. A tenth of what it sends goes to api-next, which the split has for it; and it calls next, half a time a second.
 */
export function fillShop(cluster: LiveCluster): void {
  cluster.objects = [
    object('apps/v1', 'Deployment', 'shop', 'api'),
    object('apps/v1', 'Deployment', 'shop', 'web'),
    object('apps/v1', 'Deployment', 'shop', 'bare'),
    object('apps/v1', 'Deployment', 'other', 'idle'),
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } },
    pod('shop', 'api', 'x1'),
    pod('shop', 'api', 'x2', { meshed: false }),
    pod('shop', 'api', 'old', { phase: 'Succeeded' }),
    pod('shop', 'web', 'x1'),
    pod('shop', 'bare', 'x1', { meshed: false }),
    pod('other', 'idle', 'x1'),
    object('v1', 'Service', 'shop', 'api'),
    object('policy.linkerd.io/v1beta3', 'Server', 'shop', 'api-http'),
    object('policy.linkerd.io/v1beta3', 'Server', 'shop', 'unused'),
    object('policy.linkerd.io/v1alpha1', 'AuthorizationPolicy', 'shop', 'web-only'),
    object('policy.linkerd.io/v1beta3', 'HTTPRoute', 'shop', 'votes'),
    object('linkerd.io/v1alpha2', 'ServiceProfile', 'shop', 'api.shop.svc.cluster.local', {
      spec: { routes: [{ name: 'POST /votes' }, { name: 'GET /unused' }] },
    }),
    object('split.smi-spec.io/v1alpha1', 'TrafficSplit', 'shop', 'canary', {
      spec: {
        service: 'api',
        backends: [
          { service: 'api', weight: 900 },
          { service: 'api-next', weight: '100m' },
        ],
      },
    }),
  ];
  const { 2: fast, 10: slow, 40: slowest } = WITHIN_MS;
  const connections = { opened: 3, open: 2, readBytes: 6000, writtenBytes: 1200 };
  cluster.counted(proxyOf('shop', 'api'), [
    [INBOUND, { success: 504, failure: 90, timedOut: 6, denied: 12, limited: 3, latency: { [fast]: 540, [slow]: 54 } }],
    [{ direction: 'inbound', counted: 'connections', tls: 'true' }, connections],
  ]);
  cluster.counted(proxyOf('shop', 'web'), [
    [OUTBOUND, { success: 510, failure: 84, timedOut: 6, retries: 12, latency: { [fast]: 300, [slowest]: 294 } }],
    [ATTEMPTS, { success: 510, failure: 96, timedOut: 6, latency: { [fast]: 300, [slowest]: 306 } }],
    [
      { ...OUTBOUND, serviceName: 'next', backendName: 'next', routeKind: 'default', routeName: 'http' },
      { success: 30, latency: { [fast]: 30 } },
    ],
    [
      { ...ATTEMPTS, counted: 'connections' },
      { opened: 1, open: 1, readBytes: 600, writtenBytes: 60 },
    ],
    [
      { ...PLAINTEXT, counted: 'connections' },
      { opened: 1, open: 0, readBytes: 10 },
    ],
    [
      { ...OUTBOUND, backendName: 'api-next' },
      { success: 60, latency: { [fast]: 60 } },
    ],
    [{ ...ATTEMPTS, backendName: 'api-next', peerName: 'next', peerPod: 'next-abc12-x1' }, { success: 60 }],
  ]);
}
