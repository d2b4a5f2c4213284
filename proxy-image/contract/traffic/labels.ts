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
  // Of a request and its attempts that which is called; of a connection that whose endpoint it is.
  'serviceNamespace',
  'serviceName',
  'servicePort',
  'routeKind',
  'routeNamespace',
  'routeName',
  // What a split has chosen; of a request for its last attempt.
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

/** Longest text of a label: an authority (a DNS name of 253 octets and a port) and every name of an object fit in. */
export const MAX_LABEL_LENGTH = 300;

/** Controls, what turns the direction of writing, line separators, halves of pairs: a terminal that shows a label must not obey it. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const EACH_UNFIT = new RegExp(UNFIT, 'gu');

export function isLabelText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_LABEL_LENGTH && !UNFIT.test(value);
}

/** The text as it may be a label: routes of a profile have names of any form. */
export function labelText(text: string): string {
  // A pair that is cut in half leaves a half.
  return text.slice(0, MAX_LABEL_LENGTH).replace(EACH_UNFIT, '\ufffd');
}

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
