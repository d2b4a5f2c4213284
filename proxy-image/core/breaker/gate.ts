import type { Breaker } from '../../contract/policy/breaker.ts';
import type { Guarded } from './state.ts';

/**
 * Whether requests may go to the endpoint: it is not ejected, or its penalty is over and nobody else is probing it. Penalties belong to the endpoint, as
 * this proxy sees it; a Service without circuit breaking that has the same endpoint does not mind them.
 */
export function breakerAllows(endpoint: Guarded, policy: Breaker | null, nowMs: number): boolean {
  const state = endpoint.breaker;
  if (state === null || policy === null || !state.ejected) return true;
  return !state.probing && nowMs >= state.reopensAtMs;
}

/**
 * A request goes to the endpoint that was picked for it. True: it is the probe, and the endpoint takes no other until `breakerObserved` or
 * `breakerAbandoned` is called with that word.
 */
export function breakerStarted(endpoint: Guarded, policy: Breaker | null): boolean {
  const state = endpoint.breaker;
  if (state === null || policy === null || !state.ejected) return false;
  state.probing = true;
  return true;
}
