import type { Balancer } from '../../contract/policy/balancer.ts';
import type { EndpointState } from './endpoint.ts';

export type EwmaBalancer = Extract<Balancer, { type: 'ewma' | 'aperture' }>;

/**
 * Peak-EWMA: a sample above the estimate replaces it at once, one below pulls it down with the time since the last sample, time constant `decayMs`.
 * The estimate decays towards zero between samples. Reading does not move the time stamp (finagle and tower do move it, which robs the next low sample
 * of its weight); where nothing is read in between, the estimates agree with theirs.
 */
export function estimateMs(endpoint: EndpointState, decayMs: number, nowMs: number): number {
  return endpoint.rttMs * Math.exp(Math.min(endpoint.rttAtMs - nowMs, 0) / decayMs);
}

export function observe(endpoint: EndpointState, balancer: EwmaBalancer, rttMs: number, nowMs: number): void {
  seedOnce(endpoint, balancer, nowMs);
  // Call sites may read the clock out of order within one event; time never runs backwards here.
  const atMs = Math.max(nowMs, endpoint.rttAtMs);
  const kept = Math.exp((endpoint.rttAtMs - atMs) / balancer.decayMs);
  const decayed = endpoint.rttMs * kept;
  endpoint.rttMs = rttMs > decayed ? rttMs : decayed + rttMs * (1 - kept);
  endpoint.rttAtMs = atMs;
}

/** What one more request would cost here: the estimate times those under way and itself. */
export function cost(endpoint: EndpointState, balancer: EwmaBalancer, nowMs: number): number {
  seedOnce(endpoint, balancer, nowMs);
  return estimateMs(endpoint, balancer.decayMs, nowMs) * (endpoint.inFlight + 1);
}

/** A new endpoint starts at the default, so that it gets neither everything nor nothing. At least 1 ms: zero would win every comparison. */
function seedOnce(endpoint: EndpointState, balancer: EwmaBalancer, nowMs: number): void {
  if (endpoint.rttAtMs !== Number.NEGATIVE_INFINITY) return;
  endpoint.rttMs = Math.max(balancer.defaultRttMs, 1);
  endpoint.rttAtMs = nowMs;
}
