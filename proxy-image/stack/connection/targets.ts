import type { EndpointState } from '../../core/balance/endpoint.ts';
import { requestHash } from '../../core/balance/hash-key.ts';
import { abandoned, finished, started } from '../../core/balance/pick.ts';
import { connected, connectFailed } from '../../core/balance/reach.ts';
import { NO_SHARE, pickShare } from '../../core/split/split.ts';
import type { BalanceEntry, PodEntry, ServiceEntry, UnknownEntry } from '../../core/state/entries.ts';
import type { SessionProtocol } from '../../core/state/protocol.ts';
import type { DialError, DialTarget } from '../../io/pool/dial.ts';
import type { Address } from '../../io/transport/types.ts';
import { targetOf } from '../endpoints/endpoint-hosts.ts';
import { Placement, type PlacementOwner } from '../endpoints/placement.ts';
import type { StackOptions } from '../shared/options.ts';
import { unreachedAs } from '../shared/unreached.ts';
import type { StreamSeeker, StreamTargets } from './stream.ts';

interface StreamClient {
  readonly sourceIp: string;
}

/** A stream to a service, a pod, or an address outside. */
export function streamTargets(
  entry: ServiceEntry | PodEntry | UnknownEntry,
  client: StreamClient,
  options: StackOptions,
): StreamTargets {
  if (entry.kind === 'unknown') {
    const { address: ip, port } = entry.endpoint.facts;
    return passThroughTargets({ ip, port });
  }
  if (entry.kind === 'service') return serviceTargets(entry, client, options);
  return new OneTarget(targetOf(entry.endpoint, 'opaque'), countOutbound, entry.endpoint);
}

/** One share of the split, for all of the connection. Filters are for requests: what has some is nothing that bytes could go to. */
function serviceTargets({ streams }: ServiceEntry, client: StreamClient, options: StackOptions): StreamTargets {
  const picked = pickShare(streams.split, options.rng);
  const share = streams.shares[picked];
  if (picked === NO_SHARE || share === undefined || share.filters.length > 0) return new NoTarget(options);
  const { authority, dispatch } = share.backend;
  if (dispatch.type === 'balance') {
    const { hashKey } = streams;
    // Bytes have no fields.
    const hash = hashKey === null ? 0 : requestHash(hashKey, null, client.sourceIp, options.rng);
    return new BalancedTargets(authority, dispatch, hash, options);
  }
  if (dispatch.type === 'fail') return new NoTarget(options);
  return new OneTarget(targetOf(dispatch.endpoint, 'opaque'), countOutbound, dispatch.endpoint);
}

/**
 * The application: at the address that the client reached, not at loopback, so that a port which listens on loopback only does not become reachable
 * through the proxy.
 */
export function applicationTarget(address: Address, session: SessionProtocol): DialTarget {
  return { address, identity: null, port: address.port, session };
}

export function applicationTargets(address: Address): StreamTargets {
  return new OneTarget(applicationTarget(address, 'opaque'), countInbound);
}

/** A stream to the address that the client wanted, without TLS: nothing is known about it. */
export function passThroughTargets(address: Address): StreamTargets {
  return new OneTarget({ address, identity: null, port: address.port, session: 'opaque' }, countOutbound);
}

function countOutbound({ recorder }: StackOptions, error: DialError): void {
  recorder.outboundError('tcp', unreachedAs(error));
}

function countInbound({ recorder }: StackOptions): void {
  recorder.inboundError('tcp', 'connect');
}

/** One address, tried once. */
class OneTarget implements StreamTargets {
  readonly endpoint: EndpointState | null;
  readonly authority = '';
  readonly #count: (options: StackOptions, error: DialError) => void;
  #target: DialTarget | null;

  constructor(
    target: DialTarget,
    count: (options: StackOptions, error: DialError) => void,
    endpoint: EndpointState | null = null,
  ) {
    this.#target = target;
    this.#count = count;
    this.endpoint = endpoint;
  }

  seek(seeker: StreamSeeker): void {
    const target = this.#target;
    this.#target = null;
    if (target === null) seeker.foundNone('unexpected');
    else seeker.found(target);
  }

  cancel(): void {}
  connected(): void {}

  failed(options: StackOptions, error: DialError): void {
    this.#count(options, error);
  }

  closed(): void {}
}

/** Nobody is there. */
class NoTarget implements StreamTargets {
  readonly endpoint: EndpointState | null = null;
  readonly authority = '';
  readonly #options: StackOptions;

  constructor(options: StackOptions) {
    this.#options = options;
  }

  seek(seeker: StreamSeeker): void {
    this.#options.recorder.outboundError('tcp', 'failfast');
    seeker.foundNone('invalid_backend');
  }

  cancel(): void {}
  connected(): void {}
  failed(): void {}
  closed(): void {}
}

/** The endpoints of a backend until one can be connected to, as long as one may be. */
class BalancedTargets implements StreamTargets, PlacementOwner {
  endpoint: EndpointState | null = null;
  readonly authority: string;
  readonly #balance: BalanceEntry;
  readonly #hash: number;
  readonly #options: StackOptions;
  readonly #placement: Placement;
  #seeker: StreamSeeker | null = null;
  /** Counted as under way at the endpoint. */
  #underWay = false;

  constructor(authority: string, balance: BalanceEntry, hash: number, options: StackOptions) {
    this.authority = authority;
    this.#balance = balance;
    this.#hash = hash;
    this.#options = options;
    this.#placement = new Placement(options, this);
  }

  seek(seeker: StreamSeeker): void {
    this.#seeker = seeker;
    this.#placement.find(this.#balance, this.#hash);
  }

  placed(endpoint: EndpointState): void {
    this.endpoint = endpoint;
    this.#underWay = true;
    started(endpoint);
    this.#seeker!.found(targetOf(endpoint, 'opaque'));
  }

  notPlaced(decision: 'failfast' | 'shed'): void {
    this.#options.recorder.outboundError('tcp', decision === 'shed' ? 'loadshed' : 'failfast');
    this.#seeker!.foundNone('unexpected');
  }

  /** A connection that nobody uses would reach the application, which may count it as an error of its client's. */
  reconnects(): boolean {
    return false;
  }

  cancel(): void {
    this.#placement.cancel();
    this.closed();
  }

  connected(options: StackOptions, tookMs: number): void {
    const endpoint = this.endpoint!;
    const { pool, balancer } = this.#balance;
    const wasDown = endpoint.connectFailures > 0;
    connected(endpoint);
    if (!endpoint.needsResponse) pool.queue.ready();
    if (wasDown) pool.changed();
    finished(endpoint, balancer, tookMs, options.transport.timers.nowMs());
    // The stream goes on: it counts as load of the endpoint until it ends.
    started(endpoint);
  }

  failed(options: StackOptions, error: DialError): void {
    const endpoint = this.endpoint!;
    this.closed();
    connectFailed(endpoint, options.rng, options.transport.timers.nowMs());
    this.#balance.pool.failed(error.failure);
    options.recorder.outboundError('tcp', unreachedAs(error));
  }

  closed(): void {
    if (!this.#underWay) return;
    this.#underWay = false;
    abandoned(this.endpoint!);
  }
}
