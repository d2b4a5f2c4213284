import { TRAFFIC_LABELS, type TrafficLabel } from '../../proxy-image/contract/traffic/labels.ts';

/** Whose proxy it is that has reported: the workload that owns the pod (a pod without an owner: itself), the pod, and the identity that it proved. */
export const REPORTER_LABELS = ['namespace', 'kind', 'name', 'pod', 'identity'] as const;
export type ReporterLabel = (typeof REPORTER_LABELS)[number];
export type Reporter = Readonly<Record<ReporterLabel, string>>;

/** What series can be chosen and put together by. */
export type Dimension = ReporterLabel | TrafficLabel;
export const DIMENSIONS: readonly Dimension[] = [...REPORTER_LABELS, ...TRAFFIC_LABELS];

/** What Linkerd's commands show is put together by these. Within one `direction` and one `counted`: sums over several mean nothing. */
export const BY = {
  namespace: ['namespace'],
  workload: ['namespace', 'kind', 'name'],
  pod: ['namespace', 'pod'],
  service: ['serviceNamespace', 'serviceName', 'servicePort'],
  route: ['serviceNamespace', 'serviceName', 'servicePort', 'routeKind', 'routeNamespace', 'routeName'],
  server: ['namespace', 'serverKind', 'serverName', 'serverPort'],
  authorization: [
    'namespace',
    'serverKind',
    'serverName',
    'routeKind',
    'routeName',
    'authorizationKind',
    'authorizationName',
  ],
  edge: [
    ...(['namespace', 'kind', 'name', 'identity'] as const),
    ...(['peerNamespace', 'peerKind', 'peerName', 'peerIdentity', 'tls', 'noTlsReason'] as const),
  ],
} as const satisfies Readonly<Record<string, readonly Dimension[]>>;
