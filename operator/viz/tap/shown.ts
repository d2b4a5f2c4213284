import type { PodModel } from '../../../crds/kinds/pod/model.ts';
import { durationOf, fieldsOf, type TapEndpoint, type TapId, type TapShown } from '../../../crds/viz/tap.ts';
import type { TapAddress, TapEvent, TapFlow } from '../../../proxy-image/contract/tap/events.ts';

/** What a proxy has told of a call or connection. */
export type FlowEvent = Extract<TapEvent, TapFlow>;

/** Who has an address, as far as it is a pod of the cluster. */
export type PodAt = (ip: string) => PodModel | null;

/** An event as whoever asked is shown it. `base`: the proxy's number; `own`: its pod. */
export function shownOf(event: FlowEvent, base: number, own: PodModel, podAt: PodAt): TapShown {
  const isInbound = event.direction === 'inbound';
  const { src, dst, tls } = event;
  const source = endpointOf(src, isInbound ? podAt(src.ip) : own);
  const destination = endpointOf(dst, isInbound ? own : podAt(dst.ip));
  const other = isInbound ? source : destination;
  other.metadata['tls'] = tls;
  const peer = isInbound ? src.identity : dst.identity;
  if (peer !== '') other.metadata[isInbound ? 'client_id' : 'server_id'] = peer;
  return {
    source,
    destination,
    routeMeta: event.route,
    proxyDirection: isInbound ? 'INBOUND' : 'OUTBOUND',
    ...detailOf(event, { base, stream: event.id }),
  };
}

/** Labels of discovery, and of the pod that has the address. */
function endpointOf({ ip, port, labels }: TapAddress, pod: PodModel | null): TapEndpoint {
  return { ip, port, metadata: { ...labels, ...(pod === null ? {} : labelsOf(pod)) } };
}

function labelsOf({ meta, owner, serviceAccount }: PodModel): Record<string, string> {
  const labels: Record<string, string> = { namespace: meta.namespace, pod: meta.name, serviceaccount: serviceAccount };
  if (owner.kind !== '') labels[owner.kind.toLowerCase()] = owner.name;
  return labels;
}

function detailOf(event: FlowEvent, id: TapId): Partial<TapShown> {
  switch (event.type) {
    case 'request': {
      const { method, scheme, authority, path, version } = event;
      return { requestInitEvent: { id, method, scheme, authority, path, headers: fieldsOf(event.headers), version } };
    }
    case 'response':
      return {
        responseInitEvent: {
          id,
          sinceRequestInit: durationOf(event.latencyUs),
          httpStatus: event.status,
          headers: fieldsOf(event.headers),
        },
      };
    case 'end':
      return { responseEndEvent: endOf(event, id) };
    case 'opened':
      return { connectionOpenEvent: { id } };
    case 'closed': {
      const { sentBytes, receivedBytes, error } = event;
      return { connectionCloseEvent: { id, duration: durationOf(event.durationUs), sentBytes, receivedBytes, error } };
    }
  }
}

function endOf(event: Extract<FlowEvent, { type: 'end' }>, id: TapId): TapShown['responseEndEvent'] {
  const { responseBytes, requestBytes, status, end, retries, error, grpcStatus, resetCode } = event;
  return {
    id,
    sinceRequestInit: durationOf(event.totalUs),
    sinceResponseInit: durationOf(event.durationUs),
    responseBytes,
    trailers: [],
    ...(grpcStatus === null ? {} : { grpcStatusCode: grpcStatus }),
    ...(resetCode === null ? {} : { resetErrorCode: resetCode }),
    requestBytes,
    httpStatus: status,
    end,
    retries,
    error,
  };
}
