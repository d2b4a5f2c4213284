import { exponentialMs } from '../../../lib/backoff.ts';
import type { Rng } from '../rng.ts';
import { fraction } from '../rng.ts';
import type { EndpointState } from './endpoint.ts';
import type { EndpointPool } from './pool.ts';

/** Backoff between connects to an endpoint that refuses them (linkerd2-proxy: outbound connect backoff). */
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 60_000;
const BACKOFF_JITTER = 0.1;
/** While nothing else can be had, an endpoint rests no longer: requests wait or fail meanwhile, and one attempt a time is cheap. */
const BACKOFF_ALONE_MS = 500;
/** An attempt without a result is followed by another after this time. */
const ATTEMPT_MS = 1000;

/**
 * An attempt to reach the endpoint is under way, in the background or by one request that may be lost by it: nothing else goes there until its result,
 * `connected` or `connectFailed`.
 */
export function attempted(endpoint: EndpointState, nowMs: number): void {
  endpoint.attempting = true;
  endpoint.readyAtMs = nowMs + ATTEMPT_MS;
}

/** A connection can be had. Where the endpoint's application is what could not be reached, only a response says that it is back. */
export function connected(endpoint: EndpointState): void {
  if (!endpoint.needsResponse) answered(endpoint);
}

/** The endpoint's application has answered. */
export function answered(endpoint: EndpointState): void {
  endpoint.connectFailures = 0;
  endpoint.readyAtMs = 0;
  endpoint.attempting = false;
  endpoint.needsResponse = false;
}

/**
 * A request went to an application that could not be reached before, and for the time of an attempt its proxy has not said so again, which it does within its
 * connect timeout (300 ms): the application has the request, and may take as long as it likes for the answer. Then the endpoint is as any other.
 */
export function provenBySilence(endpoint: EndpointState): boolean {
  if (!endpoint.needsResponse || !endpoint.attempting) return false;
  answered(endpoint);
  return true;
}

/**
 * A connect was refused or timed out: the endpoint rests for 100 ms, doubling to 60 s. Attempts that were under way together are one failure.
 * `behindProxy`: its proxy answers, but could not connect to the application.
 */
export function connectFailed(endpoint: EndpointState, rng: Rng, nowMs: number, behindProxy: boolean = false): void {
  const rests = endpoint.readyAtMs > nowMs && !endpoint.attempting;
  if (rests && endpoint.connectFailures > 0) return;
  const backoffMs = exponentialMs(BACKOFF_MIN_MS, endpoint.connectFailures, BACKOFF_MAX_MS);
  endpoint.connectFailures++;
  endpoint.attempting = false;
  endpoint.needsResponse = behindProxy;
  endpoint.readyAtMs = nowMs + jittered(backoffMs, rng);
}

function jittered(backoffMs: number, rng: Rng): number {
  return backoffMs * (1 + BACKOFF_JITTER * fraction(rng));
}

/** No endpoint of the pool can be had: each is tried again soon. */
export function shortenRests(pool: EndpointPool, rng: Rng, nowMs: number): void {
  for (const endpoint of pool.endpoints) {
    if (endpoint.attempting || endpoint.readyAtMs - nowMs <= BACKOFF_ALONE_MS * (1 + BACKOFF_JITTER)) continue;
    endpoint.readyAtMs = nowMs + jittered(BACKOFF_ALONE_MS, rng);
  }
}
