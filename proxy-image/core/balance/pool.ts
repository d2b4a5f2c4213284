import { formatAddress } from '../../contract/keys.ts';
import type { OutboundProtocol } from '../../contract/policy/protocol.ts';
import type { Endpoint } from '../../contract/resources.ts';
import { type ConnectFailure, EndpointState } from './endpoint.ts';
import { EndpointSet } from './endpoint-set.ts';
import { EndpointQueue } from './queue.ts';

/** Where this proxy is: what topology rules compare endpoints with. Empty = not known. */
export interface Locality {
  readonly node: string;
  readonly zone: string;
}

/**
 * The endpoints behind one `endpoints/…` key. The object is stable for as long as the key is named by a destination; an update replaces its arrays,
 * and endpoints that stay keep their state.
 */
export class EndpointPool {
  readonly key: string;
  /** Version of the resource; empty until it has arrived. */
  version = '';
  /**
   * What its endpoints are declared to speak; `detect` where they differ, `null` before the first one is known. While there is none, what the last ones
   * spoke: a client that comes while a database restarts must not be listened to.
   */
  protocol: OutboundProtocol | null = null;
  #all: EndpointSet;
  #preferred: EndpointSet;
  #local: EndpointSet;
  /** Next index of round-robin. */
  cursor = 0;
  /** How many of `endpoints` are ejected. */
  ejected = 0;
  readonly queue: EndpointQueue = new EndpointQueue();
  /** Requests and streams that found an endpoint without waiting in the queue. */
  placedAtOnce = 0;
  /** Endpoints that have come, those of the first answer aside, and that have gone; answers that have begun anew. */
  readonly updates: { added: number; removed: number; reset: number } = { added: 0, removed: 0, reset: 0 };
  /** All rest: none can be had before this time. */
  #restUntilMs: number = Number.NEGATIVE_INFINITY;
  /** The same for those who mind circuit breaking. */
  #ejectedUntilMs: number = Number.NEGATIVE_INFINITY;
  #nextMs: number = Number.POSITIVE_INFINITY;
  /** What the last failed connect to one of them failed by; empty = there was none. */
  lastFailure: ConnectFailure | '' = '';
  readonly #seed: number;

  /** `seed`: this client's, for apertures. */
  constructor(key: string, seed: number) {
    this.key = key;
    this.#seed = seed;
    this.#all = new EndpointSet([], seed);
    this.#preferred = this.#all;
    this.#local = this.#all;
  }

  get endpoints(): readonly EndpointState[] {
    return this.#all.endpoints;
  }

  /** What to balance over: `endpoints`, or those hinted for the proxy's zone. */
  get preferred(): readonly EndpointState[] {
    return this.#preferred.endpoints;
  }

  /** Endpoints on the proxy's own node (`internalTrafficPolicy: Local`). */
  get local(): readonly EndpointState[] {
    return this.#local.endpoints;
  }

  get allSet(): EndpointSet {
    return this.#all;
  }

  get preferredSet(): EndpointSet {
    return this.#preferred;
  }

  get localSet(): EndpointSet {
    return this.#local;
  }

  replace(version: string, facts: readonly Endpoint[], locality: Locality, nowMs: number): void {
    const before = new Map(this.endpoints.map((endpoint) => [endpoint.id, endpoint]));
    const after = new Map<string, EndpointState>();
    const addedAtMs = before.size === 0 ? Number.NEGATIVE_INFINITY : nowMs;
    for (const fact of facts) {
      const id = formatAddress(fact.address, fact.port);
      after.set(id, renewed(before.get(id), id, fact, addedAtMs));
    }
    for (const [id, endpoint] of before) {
      if (after.has(id)) continue;
      endpoint.current = false;
      this.updates.removed++;
    }
    if (before.size === 0 && after.size > 0) this.updates.reset++;
    else for (const id of after.keys()) if (!before.has(id)) this.updates.added++;
    this.version = version;
    if (facts.length > 0) this.protocol = sharedProtocol(facts);
    this.#all = new EndpointSet([...after.values()], this.#seed);
    this.ejected = this.endpoints.filter((endpoint) => endpoint.breaker?.ejected === true).length;
    this.relocate(locality);
  }

  /** It is in vain to look for an endpoint before this time. */
  noneUntilMs(mindsBreaker: boolean): number {
    return mindsBreaker ? Math.max(this.#restUntilMs, this.#ejectedUntilMs) : this.#restUntilMs;
  }

  /** When a rest or a penalty ends, as the last look that found none has seen it. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Worked out by a look that found none; holds until something changes. */
  foundNone(restUntilMs: number, ejectedUntilMs: number, nextMs: number): void {
    this.#restUntilMs = restUntilMs;
    this.#ejectedUntilMs = ejectedUntilMs;
    this.#nextMs = nextMs;
  }

  /** An endpoint may be had that could not: it has come, has been reached, or has a verdict on its probe. Who waits looks again. */
  changed(): void {
    this.#restUntilMs = Number.NEGATIVE_INFINITY;
    this.#ejectedUntilMs = Number.NEGATIVE_INFINITY;
    this.queue.wake();
  }

  /** A connect to one of them has failed: another rest is the first to end. */
  failed(failure: ConnectFailure): void {
    this.lastFailure = failure;
    this.changed();
  }

  /** Sorts the endpoints again by where the proxy is. */
  relocate(locality: Locality): void {
    const { node, zone } = locality;
    const preferred = inZone(this.endpoints, zone);
    this.#preferred = preferred === this.endpoints ? this.#all : new EndpointSet(preferred, this.#seed);
    const local = this.endpoints.filter((endpoint) => node !== '' && endpoint.facts.node === node);
    this.#local = new EndpointSet(local, this.#seed);
    this.changed();
  }
}

function renewed(known: EndpointState | undefined, id: string, facts: Endpoint, addedAtMs: number): EndpointState {
  if (known === undefined) return new EndpointState(id, facts, addedAtMs);
  known.renew(facts);
  return known;
}

function sharedProtocol([first, ...others]: readonly Endpoint[]): OutboundProtocol {
  const protocol = first?.protocol ?? 'detect';
  return others.every((other) => other.protocol === protocol) ? protocol : 'detect';
}

/** Hints count only where every endpoint has one; where none is for our zone, all are used (Kubernetes: topology aware routing, safeguards). */
function inZone(endpoints: readonly EndpointState[], zone: string): readonly EndpointState[] {
  if (zone === '' || !endpoints.every((endpoint) => endpoint.facts.hintZones.length > 0)) return endpoints;
  const hinted = endpoints.filter((endpoint) => endpoint.facts.hintZones.includes(zone));
  return hinted.length > 0 ? hinted : endpoints;
}
