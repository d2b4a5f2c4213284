import { formatAddress } from '../../contract/keys.ts';
import type { InboundPeer } from '../../core/policy/authorize.ts';
import type { DialTarget } from '../../io/pool/dial.ts';
import type { Host, PoolObserver } from '../../io/pool/host.ts';
import type { TransportLabels } from '../../io/telemetry/recorder.ts';
import { whyPlain } from '../../io/telemetry/series-labels.ts';
import type { Connection } from '../../io/transport/types.ts';
import type { LiveSet } from './live.ts';

export type Direction = TransportLabels['direction'];

/** Of a connection that the proxy has made. The inbound side's go to the pod's own application. */
export function dialledLabels(
  direction: Direction,
  { address, identity }: DialTarget,
  dst: Readonly<Record<string, string>>,
  authority: string,
): TransportLabels {
  const why = direction === 'inbound' ? 'loopback' : 'not_provided_by_service_discovery';
  const given = {
    direction,
    peer: 'dst',
    targetAddr: formatAddress(address.ip, address.port),
    dst,
    authority,
  } as const;
  return withTls(given, identity !== null, why, identity);
}

/** Of a connection to the pod. */
export function inboundLabels(targetAddr: string, peer: InboundPeer): TransportLabels {
  return withTls({ ...ACCEPTED, direction: 'inbound', targetAddr }, peer.tls, whyPlain(peer), peer.identity);
}

/** Of a connection of the pod's own application. */
export function outboundLabels(targetAddr: string): TransportLabels {
  return withTls({ ...ACCEPTED, direction: 'outbound', targetAddr }, false, 'loopback', null);
}

const ACCEPTED = { peer: 'src', dst: {}, authority: '' } as const;

function withTls(
  given: Omit<TransportLabels, 'tls' | 'noTlsReason' | 'identity'>,
  isTls: boolean,
  why: string,
  identity: string | null,
): TransportLabels {
  return {
    ...given,
    tls: isTls ? 'true' : 'no_identity',
    noTlsReason: isTls ? '' : why,
    identity: identity ?? '',
  };
}

/** Counts the connections of a pool. */
export class PoolMetrics implements PoolObserver {
  readonly #live: LiveSet;
  readonly #direction: Direction;

  constructor(live: LiveSet, direction: Direction) {
    this.#live = live;
    this.#direction = direction;
  }

  opened(connection: Connection, host: Host): void {
    this.#live.opened(connection, dialledLabels(this.#direction, host.target, host.labels, ''));
  }

  closed(connection: Connection): void {
    this.#live.closed(connection);
  }
}
