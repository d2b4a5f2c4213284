/** Labels of a series. All are texts; an empty one says that there is nothing to say (an opaque connection has no route). */
export const TRAFFIC_LABELS = [
  'direction',
  'counted',
  'tls',
  'noTlsReason',
  // The other side, as far as the proxy knows it: of an endpoint from discovery; of a client its identity.
  'peerNamespace',
  'peerKind',
  'peerName',
  'peerPod',
  'peerIdentity',
  'authority',
  'serviceNamespace',
  'serviceName',
  'servicePort',
  'routeKind',
  'routeNamespace',
  'routeName',
  // Of an attempt, where a split has chosen it.
  'backendNamespace',
  'backendName',
  'backendPort',
  'serverKind',
  'serverName',
  'serverPort',
  'authorizationKind',
  'authorizationName',
  // `true`: a sum of series for which there was no room; only `direction` and `counted` are said beside it.
  'overflow',
] as const;

export type TrafficLabel = (typeof TRAFFIC_LABELS)[number];

/**
 * What one count of a series is: a request, once whatever number of attempts it takes (Linkerd: effective); an attempt of one at an endpoint (Linkerd:
 * actual); a connection. Sums over series of different kinds mean nothing.
 */
export const COUNTED = ['requests', 'attempts', 'connections'] as const;
export type Counted = (typeof COUNTED)[number];

export const DIRECTIONS = ['inbound', 'outbound'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export type SeriesLabels = Readonly<{ direction: Direction; counted: Counted }> &
  Readonly<Partial<Record<TrafficLabel, string>>>;

/** Longest text of a label: an authority (a DNS name of 253 octets and a port) and every name of an object fit in; a name of a profile's route is cut by the proxy. */
export const MAX_LABEL_LENGTH = 300;

/**
 * Series that need no declaration, by number: they take what a proxy counts beyond its most (`MAX_SERIES`). One for each kind of sum that means anything.
 */
export const OVERFLOW_SERIES: readonly SeriesLabels[] = DIRECTIONS.flatMap((direction) =>
  COUNTED.map((counted) => ({ direction, counted, overflow: 'true' })),
);

/** Number of the series that takes what finds no room, of the kind that `labels` are of. */
export function overflowOf({ direction, counted }: SeriesLabels): number {
  return DIRECTIONS.indexOf(direction) * COUNTED.length + COUNTED.indexOf(counted);
}
