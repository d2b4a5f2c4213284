import { formatAddress } from '../../contract/keys.ts';
import type { DialTarget } from '../../io/pool/dial.ts';
import type { Host, PoolObserver } from '../../io/pool/host.ts';
import type { TransportLabels } from '../../io/telemetry/recorder.ts';
import type { Connection } from '../../io/transport/types.ts';
import type { LiveSet } from './live.ts';

export type Direction = TransportLabels['direction'];

/** Of a connection that the proxy has made. The inbound side's go to the pod's own application. */
export function dialledLabels(
  direction: Direction,
  target: DialTarget,
  dst: Readonly<Record<string, string>>,
  authority: string,
): TransportLabels {
  const meshed = target.identity !== null;
  const why = direction === 'inbound' ? 'loopback' : 'not_provided_by_service_discovery';
  return {
    direction,
    peer: 'dst',
    targetAddr: formatAddress(target.address.ip, target.address.port),
    tls: meshed ? 'true' : 'no_identity',
    noTlsReason: meshed ? '' : why,
    identity: target.identity ?? '',
    dst,
    authority,
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
    this.#live.closed(connection, null);
  }
}
