import { parseAddress } from '../../../contract/keys.ts';
import type { TapAddress } from '../../../contract/tap/events.ts';
import type { ObservedStream, StreamObserver, StreamWatch } from '../../shared/live.ts';
import { micros, type TapListener } from './calls.ts';
import type { Flow } from './sides.ts';

/** Tells one who listens of connections that are carried as bytes, of both sides. */
export class TapStreams implements StreamObserver {
  readonly #listener: TapListener;

  constructor(listener: TapListener) {
    this.#listener = listener;
  }

  opened(stream: ObservedStream): StreamWatch | null {
    const listener = this.#listener;
    const { side, client } = stream;
    const flow = flowOf(stream);
    const peer = side === 'outbound' ? flow.dst : flow.src;
    if (!listener.takesDirection(side) || !listener.takesPeer(side, peer.ip, peer.labels)) return null;
    const id = listener.admit();
    if (id === 0) return null;
    const openedMs = listener.nowMs();
    listener.tell({ type: 'opened', id, ...flow });
    return {
      closed: (error) =>
        listener.tell({
          type: 'closed',
          id,
          ...flow,
          durationUs: micros(listener.nowMs() - openedMs),
          sentBytes: client.bytesRead,
          receivedBytes: client.bytesWritten,
          error: error?.kind ?? '',
        }),
    };
  }
}

function flowOf({ side, client, labels, target, endpoint }: ObservedStream): Flow {
  const { ip, port } = client.remote;
  const { address, identity } = target;
  if (side === 'outbound') {
    const dst: TapAddress = {
      ip: endpoint?.facts.address ?? address.ip,
      port: endpoint?.facts.port ?? address.port,
      identity: identity ?? '',
      labels: endpoint?.facts.labels ?? {},
    };
    const tls = identity === null ? 'not_provided_by_service_discovery' : 'true';
    return { direction: side, src: { ip, port, identity: '', labels: {} }, dst, tls, route: {} };
  }
  const reached = parseAddress(labels.targetAddr) ?? address;
  return {
    direction: side,
    src: { ip, port, identity: labels.identity, labels: {} },
    dst: { ...reached, identity: '', labels: {} },
    tls: labels.tls === 'true' ? 'true' : labels.noTlsReason,
    route: {},
  };
}
