import type { EndpointState } from '../core/balance/endpoint.ts';
import { abandoned, connected, connectFailed, finished, pickEndpoint, started } from '../core/balance/pick.ts';
import { pickShare } from '../core/split/split.ts';
import type { BackendEntry, PodEntry, ServiceEntry } from '../core/state/entries.ts';
import type { DialTarget } from '../io/pool/dial.ts';
import type { Address } from '../io/transport/types.ts';
import { targetOf } from './context.ts';
import type { StackOptions } from './options.ts';
import type { StreamTargets } from './stream.ts';

export type TargetChoice = StreamTargets;

/** A stream to a service or a pod. */
export function streamTargets(entry: ServiceEntry | PodEntry): StreamTargets {
  return entry.kind === 'pod' ? new PodTargets(entry.endpoint) : new ServiceTargets(entry);
}

/** A stream to the address that the client wanted, without TLS: nothing is known about it. */
export function passThroughTargets(address: Address): StreamTargets {
  return new OneTarget({ address, identity: null, port: address.port, session: 'opaque' });
}

/** One address, tried once. */
class OneTarget implements StreamTargets {
  readonly endpoint: EndpointState | null = null;
  readonly authority: string = '';
  #target: DialTarget | null;

  constructor(target: DialTarget) {
    this.#target = target;
  }

  next(): DialTarget | null {
    const target = this.#target;
    this.#target = null;
    return target;
  }

  connected(): void {}

  failed(options: StackOptions): void {
    options.recorder.outboundError('tcp', 'connect');
  }

  closed(): void {}
}

class PodTargets extends OneTarget {
  override readonly endpoint: EndpointState;

  constructor(endpoint: EndpointState) {
    super(targetOf(endpoint, 'opaque'));
    this.endpoint = endpoint;
  }
}

/** One share of the split, then its endpoints, each at most once. */
class ServiceTargets implements StreamTargets {
  endpoint: EndpointState | null = null;
  readonly #entry: ServiceEntry;
  readonly #tried: EndpointState[] = [];
  #backend: BackendEntry | null = null;

  constructor(entry: ServiceEntry) {
    this.#entry = entry;
  }

  get authority(): string {
    return this.#backend?.authority ?? this.#entry.authority;
  }

  next(options: StackOptions): DialTarget | null {
    const { rng, transport, recorder } = options;
    this.#backend ??= this.#entry.backends[pickShare(this.#entry.split, rng)]!;
    const { pool, unavailable } = this.#backend;
    const nowMs = transport.timers.nowMs();
    this.endpoint = unavailable ? null : pickEndpoint(pool, this.#entry, this.#tried, rng, nowMs);
    if (this.endpoint === null) {
      if (this.#tried.length === 0) recorder.outboundError('tcp', 'failfast');
      return null;
    }
    started(this.endpoint);
    return targetOf(this.endpoint, 'opaque');
  }

  connected(options: StackOptions, tookMs: number): void {
    const endpoint = this.endpoint!;
    connected(endpoint);
    finished(endpoint, this.#entry.balancer, tookMs, options.transport.timers.nowMs());
    // The stream goes on: it counts as load of the endpoint until it ends.
    started(endpoint);
  }

  failed(options: StackOptions): void {
    const endpoint = this.endpoint!;
    abandoned(endpoint);
    connectFailed(endpoint, options.rng, options.transport.timers.nowMs());
    options.recorder.outboundError('tcp', 'connect');
    this.#tried.push(endpoint);
  }

  closed(): void {
    abandoned(this.endpoint!);
  }
}
