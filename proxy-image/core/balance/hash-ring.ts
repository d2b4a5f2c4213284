import type { Breaker } from '../../contract/policy/breaker.ts';
import { hashText, mix } from '../hash.ts';
import type { EndpointState } from './endpoint.ts';
import { isUsable, scan } from './usable.ts';

/** Lookups per key, of which the closest counts (Appleton and O'Reilly, "Multi-probe consistent hashing"): bounds the share of the luckiest endpoint. */
const PROBES = 8;
/** Places per endpoint: bounds the share of the unluckiest. Both numbers are part of what all proxies must agree on. */
const PLACES = 24;
const STEP = 0x9e3779b9;
/** A place of an endpoint that cannot be used is passed over, as if it were not there; so many in a row are looked at. */
const PASSED = 4;

/**
 * Consistent hashing on a ring of 2^32. When an endpoint goes or is ejected, exactly its keys move, to many others; when one comes, exactly the keys that it
 * gets move. Made when the pool changes; a pick takes PROBES searches of log n steps.
 */
export class HashRing {
  readonly #places: Uint32Array;
  readonly #endpoints: readonly EndpointState[];

  constructor(endpoints: readonly EndpointState[]) {
    const ordered = endpoints.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const count = ordered.length;
    // Place and endpoint in one number: numbers are sorted ten times as fast as objects, and equal places by the order of ids.
    const placed = new Float64Array(count * PLACES);
    for (let i = 0; i < count; i++) {
      const base = hashText(ordered[i]!.id);
      for (let j = 0; j < PLACES; j++) placed[i * PLACES + j] = mix(base + Math.imul(j, STEP)) * count + i;
    }
    placed.sort();
    this.#places = Uint32Array.from(placed, (each) => Math.floor(each / count));
    this.#endpoints = Array.from(placed, (each) => ordered[each % count]!);
  }

  pick(hash: number, breaker: Breaker | null, tried: readonly EndpointState[], nowMs: number): EndpointState | null {
    let best = -1;
    let bestDistance = 0;
    for (let probe = 0; probe < PROBES; probe++) {
      const point = mix(hash + Math.imul(probe, STEP));
      let at = this.#following(point);
      let usable = isUsable(this.#endpoints[at]!, breaker, tried, nowMs);
      for (let passed = 0; !usable && passed < PASSED; passed++) {
        at = at + 1 === this.#places.length ? 0 : at + 1;
        usable = isUsable(this.#endpoints[at]!, breaker, tried, nowMs);
      }
      const distance = (this.#places[at]! - point) >>> 0;
      if (!usable || (best !== -1 && distance >= bestDistance)) continue;
      best = at;
      bestDistance = distance;
    }
    if (best !== -1) return this.#endpoints[best]!;
    // Hardly any endpoint is usable: the next one that is, which is still the same for equal keys.
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
