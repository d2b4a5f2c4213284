import { hashText, mix } from '../hash.ts';
import type { EndpointState } from './endpoint.ts';
import { HashRing } from './hash-ring.ts';

/** A list of endpoints and what balancers work out of it: once per change of the pool and only where it is asked for, not per request. */
export class EndpointSet {
  readonly endpoints: readonly EndpointState[];
  readonly #seed: number;
  #aperture: readonly EndpointState[] = [];
  #apertureSize = 0;
  #ring: HashRing | null = null;

  /** `seed`: this client's; clients of different seeds see different apertures. */
  constructor(endpoints: readonly EndpointState[], seed: number) {
    this.endpoints = endpoints;
    this.#seed = seed;
  }

  /**
   * The endpoints that this client keeps to: those of the highest rendezvous hash with its seed (Thaler and Ravishankar), so that an endpoint that goes or
   * comes changes one place of the aperture at most. Finagle spreads apertures evenly by giving each client a coordinate, which takes a view of all
   * clients; here they are spread as hashes are.
   */
  aperture(size: number): readonly EndpointState[] {
    if (size >= this.endpoints.length) return this.endpoints;
    if (this.#apertureSize !== size) {
      const ranked = this.endpoints.map((endpoint) => ({ endpoint, rank: mix(hashText(endpoint.id) ^ this.#seed) }));
      ranked.sort((a, b) => a.rank - b.rank || (a.endpoint.id < b.endpoint.id ? -1 : 1));
      this.#aperture = ranked.slice(0, size).map(({ endpoint }) => endpoint);
      this.#apertureSize = size;
    }
    return this.#aperture;
  }

  get ring(): HashRing {
    this.#ring ??= new HashRing(this.endpoints);
    return this.#ring;
  }
}
