import { printable } from '../../crds/scalars/scalar.ts';
import { microsOf, type TapEndpoint, type TapId, type TapShown } from '../../crds/viz/tap.ts';

/** Names of gRPC's statuses, by number, as Go writes them (`codes.Code`): Linkerd's command prints these. */
const GRPC_STATUSES = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists'],
  ...['PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented'],
  ...['Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'],
];

/** How a kind is written in front of a name, and by which label an endpoint has it. */
export interface ResourceLabel {
  label: string;
  short: string;
}

/**
 * One line for an event, as Linkerd's command writes it, and in the same manner what Linkerd does not tell. `wide`: of which kind the resources at both ends are
 * named, and the route. What peers have said is in it: a terminal need not fear it.
 */
export function lineOf(event: TapShown, wide: ResourceLabel | null): string {
  const [what, id, detail] = describe(event);
  const flow = `proxy=${event.proxyDirection === 'INBOUND' ? 'in ' : 'out'} ${addresses(event)} tls=${tlsOf(event)}`;
  const behind = wide === null ? '' : `${resources(event, wide)}${routes(event)}`;
  return printable(`${what} id=${id.base}:${id.stream} ${flow}${detail}${behind}`);
}

/** What it is, of which request, and what only it has. */
function describe(event: TapShown): [what: string, id: TapId, detail: string] {
  const { requestInitEvent, responseInitEvent, responseEndEvent, connectionOpenEvent, connectionCloseEvent } = event;
  if (requestInitEvent !== undefined) {
    const { id, method, authority, path } = requestInitEvent;
    return ['req', id, ` :method=${method} :authority=${authority} :path=${path}`];
  }
  if (responseInitEvent !== undefined) {
    const { id, httpStatus, sinceRequestInit } = responseInitEvent;
    return ['rsp', id, ` :status=${httpStatus} latency=${microsOf(sinceRequestInit)}µs`];
  }
  if (responseEndEvent !== undefined) return ['end', responseEndEvent.id, endOf(responseEndEvent)];
  if (connectionOpenEvent !== undefined) return ['opn', connectionOpenEvent.id, ''];
  const { id, duration, sentBytes, receivedBytes, error } = connectionCloseEvent!;
  const why = error === '' ? '' : ` error=${error}`;
  return ['cls', id, ` duration=${microsOf(duration)}µs sent=${sentBytes}B received=${receivedBytes}B${why}`];
}

function endOf(event: NonNullable<TapShown['responseEndEvent']>): string {
  const { grpcStatusCode, resetErrorCode, sinceResponseInit, responseBytes, end, error, retries } = event;
  const first =
    resetErrorCode !== undefined
      ? ` reset-error=${resetErrorCode}`
      : grpcStatusCode !== undefined
        ? ` grpc-status=${grpcStatusName(grpcStatusCode)}`
        : '';
  const more = [
    ...(retries > 0 ? [`retries=${retries}`] : []),
    ...(end === 'complete' ? [] : [`end=${end}`]),
    ...(error === '' ? [] : [`error=${error.replaceAll(' ', '_')}`]),
  ];
  const duration = ` duration=${microsOf(sinceResponseInit)}µs response-length=${responseBytes}B`;
  return `${first}${duration}${more.map((text) => ` ${text}`).join('')}`;
}

/** As Go writes a code that it has no name for. */
export function grpcStatusName(code: number): string {
  return GRPC_STATUSES[code] ?? `Code(${code})`;
}

function addresses({ source, destination }: TapShown): string {
  return `src=${addressOf(source)} dst=${addressOf(destination)}`;
}

function addressOf({ ip, port }: TapEndpoint): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** Of the side that is not the pod's own: it may have a proxy, or none. */
function tlsOf({ proxyDirection, source, destination }: TapShown): string {
  return (proxyDirection === 'INBOUND' ? source : destination).metadata['tls'] ?? '';
}

function resources({ source, destination }: TapShown, wide: ResourceLabel): string {
  return resourceOf('src', source, wide) + resourceOf('dst', destination, wide);
}

function resourceOf(side: string, { metadata }: TapEndpoint, { label, short }: ResourceLabel): string {
  const name = metadata[label];
  const namespace = metadata['namespace'];
  const resource = name === undefined ? '' : ` ${side}_res=${short}/${name}`;
  return namespace === undefined ? resource : `${resource} ${side}_ns=${namespace}`;
}

function routes({ routeMeta }: TapShown): string {
  return Object.keys(routeMeta)
    .toSorted()
    .map((name) => ` rt_${name}=${routeMeta[name]}`)
    .join('');
}
