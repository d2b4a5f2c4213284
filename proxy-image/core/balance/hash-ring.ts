import type { Breaker } from '../../contract/resources.ts';
import { hashText, mix } from '../hash.ts';
import type { EndpointState } from './endpoint.ts';
import { NEVER, READY, scan, usability } from './usable.ts';

/** Probes per key: the most loaded endpoint gets about a twentieth more than its share (Appleton and O'Reilly, "Multi-probe consistent hashing"). */
const PROBES = 21;
const STEP = 0x9e3779b9;

/**
 * Multi-probe consistent hashing: every endpoint has one place on a ring of 2^32, a key is looked up at several, and the endpoint that follows most closely
 * gets it. When an endpoint goes, exactly its keys move, each to its own next choice; when one comes, exactly the keys that it gets move. Made when the
 * pool changes; a pick takes PROBES searches of log n steps.
 */
export class HashRing {
  readonly #places: Uint32Array;
  readonly #endpoints: readonly EndpointState[];

  constructor(endpoints: readonly EndpointState[]) {
    const placed = endpoints.map((endpoint) => ({ endpoint, place: hashText(endpoint.id) }));
    placed.sort((a, b) => a.place - b.place || (a.endpoint.id < b.endpoint.id ? -1 : 1));
    this.#places = Uint32Array.from(placed, ({ place }) => place);
    this.#endpoints = placed.map(({ endpoint }) => endpoint);
  }

  pick(hash: number, breaker: Breaker | null, tried: readonly EndpointState[], nowMs: number): EndpointState | null {
    let best: EndpointState | null = null;
    let bestUse: number = NEVER;
    let bestDistance = 0;
    for (let probe = 0; probe < PROBES; probe++) {
      const point = mix(hash + Math.imul(probe, STEP));
      const at = this.#following(point);
      const endpoint = this.#endpoints[at]!;
      const use = usability(endpoint, breaker, tried, nowMs);
      const distance = (this.#places[at]! - point) >>> 0;
      if (use < bestUse || use === NEVER || (use === bestUse && distance >= bestDistance)) continue;
      best = endpoint;
      bestUse = use;
      bestDistance = distance;
    }
    if (bestUse === READY) return best;
    // Hardly any endpoint is ready: the next one that is, which is still the same for equal keys.
    return scan(this.#endpoints, this.#following(mix(hash)), breaker, tried, nowMs);
  }

  /** Index of the first place at or after `point`, around the ring. */
  #following(point: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#places[middle]! < point) low = middle + 1;
      else high = middle;
    }
    return low === this.#places.length ? 0 : low;
  }
}
