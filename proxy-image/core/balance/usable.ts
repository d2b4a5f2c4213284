import type { Breaker } from '../../contract/resources.ts';
import { breakerAllows } from '../breaker/gate.ts';
import type { EndpointState } from './endpoint.ts';

/** Ejected, or tried for this request already: never. */
export const NEVER = 0;
/** In connect backoff: where nothing else is left. */
export const IF_NEED_BE = 1;
export const READY = 2;

export function usability(
  endpoint: EndpointState,
  breaker: Breaker | null,
  tried: readonly EndpointState[],
  nowMs: number,
): typeof NEVER | typeof IF_NEED_BE | typeof READY {
  if (endpoint.breaker !== null && !breakerAllows(endpoint, breaker, nowMs)) return NEVER;
  if (tried.length > 0 && tried.includes(endpoint)) return NEVER;
  return endpoint.readyAtMs <= nowMs ? READY : IF_NEED_BE;
}

/** The first ready endpoint from `start` on, around the list; else the first that is in backoff. Costs more the fewer of them are usable. */
export function scan(
  endpoints: readonly EndpointState[],
  start: number,
  breaker: Breaker | null,
  tried: readonly EndpointState[],
  nowMs: number,
): EndpointState | null {
  let fallback: EndpointState | null = null;
  for (let step = 0; step < endpoints.length; step++) {
    const endpoint = endpoints[(start + step) % endpoints.length]!;
    const found = usability(endpoint, breaker, tried, nowMs);
    if (found === READY) return endpoint;
    if (found === IF_NEED_BE) fallback ??= endpoint;
  }
  return fallback;
}
