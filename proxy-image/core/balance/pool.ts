import { formatAddress } from '../../contract/keys.ts';
import type { Endpoint } from '../../contract/resources.ts';
import { EndpointState } from './endpoint.ts';

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
  endpoints: readonly EndpointState[] = [];
  /** What to balance over: `endpoints`, or those hinted for the proxy's zone. */
  preferred: readonly EndpointState[] = [];
  /** Endpoints on the proxy's own node (`internalTrafficPolicy: Local`). */
  local: readonly EndpointState[] = [];
  /** Next index of round-robin. */
  cursor = 0;

  constructor(key: string) {
    this.key = key;
  }

  replace(version: string, facts: readonly Endpoint[], locality: Locality): void {
    const before = new Map(this.endpoints.map((endpoint) => [endpoint.id, endpoint]));
    const after = new Map<string, EndpointState>();
    for (const fact of facts) {
      const id = formatAddress(fact.address, fact.port);
      after.set(id, renewed(before.get(id), id, fact));
    }
    for (const [id, endpoint] of before) if (!after.has(id)) endpoint.current = false;
    this.version = version;
    this.endpoints = [...after.values()];
    this.relocate(locality);
  }

  /** Sorts the endpoints again by where the proxy is. */
  relocate(locality: Locality): void {
    this.preferred = inZone(this.endpoints, locality.zone);
    this.local = this.endpoints.filter((endpoint) => locality.node !== '' && endpoint.facts.node === locality.node);
  }
}

function renewed(known: EndpointState | undefined, id: string, facts: Endpoint): EndpointState {
  if (known === undefined) return new EndpointState(id, facts);
  known.renew(facts);
  return known;
}

/** Hints count only where every endpoint has one; where none is for our zone, all are used (Kubernetes: topology aware routing, safeguards). */
function inZone(endpoints: readonly EndpointState[], zone: string): readonly EndpointState[] {
  if (zone === '' || !endpoints.every((endpoint) => endpoint.facts.hintZones.length > 0)) return endpoints;
  const hinted = endpoints.filter((endpoint) => endpoint.facts.hintZones.includes(zone));
  return hinted.length > 0 ? hinted : endpoints;
}
