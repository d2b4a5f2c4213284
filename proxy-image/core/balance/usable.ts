import type { Breaker } from '../../contract/policy/breaker.ts';
import { breakerAllows } from '../breaker/gate.ts';
import type { EndpointState } from './endpoint.ts';

/** Neither kept out by circuit breaking, nor at rest after failed connects, nor tried for this request already. */
export function isUsable(
  endpoint: EndpointState,
  breaker: Breaker | null,
  tried: readonly EndpointState[],
  nowMs: number,
): boolean {
  if (endpoint.readyAtMs > nowMs) return false;
  if (endpoint.breaker !== null && !breakerAllows(endpoint, breaker, nowMs)) return false;
  return tried.length === 0 || !tried.includes(endpoint);
}

/** The first usable endpoint from `start` on, around the list. Costs more the fewer of them are usable. */
export function scan(
  endpoints: readonly EndpointState[],
  start: number,
  breaker: Breaker | null,
  tried: readonly EndpointState[],
  nowMs: number,
): EndpointState | null {
  for (let step = 0; step < endpoints.length; step++) {
    const endpoint = endpoints[(start + step) % endpoints.length]!;
    if (isUsable(endpoint, breaker, tried, nowMs)) return endpoint;
  }
  return null;
}
