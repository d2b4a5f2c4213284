import type { Endpoint } from '../../contract/resources.ts';
import type { BreakerState } from '../breaker/state.ts';
import { type SeriesHolder, UNRESOLVED } from '../series.ts';

/**
 * One address behind a Service port, with what this proxy has learned about it. Stays the same object while the address stays in its pool,
 * whatever else about the Service changes; `facts` is replaced when the control plane says something new about it.
 */
export class EndpointState implements SeriesHolder {
  /** `address:port` as `formatAddress` writes it. */
  readonly id: string;
  facts: Endpoint;
  /** Requests (HTTP) or connections (TCP) under way. */
  inFlight = 0;
  /** Peak-EWMA of the round-trip time, and when it was last written; before the first look at it, `rttAtMs` is -Infinity. */
  rttMs = 0;
  rttAtMs = Number.NEGATIVE_INFINITY;
  /** No connection is tried before this time, while another endpoint is ready (backoff after failed connects). */
  readyAtMs = 0;
  connectFailures = 0;
  /** When it joined endpoints that were there before, for slow start; -Infinity where there was nobody to take the load meanwhile. */
  readonly addedAtMs: number;
  /** `null` until its first failure under a policy of circuit breaking. */
  breaker: BreakerState | null = null;
  /** False once the address has left its pool: connections to it are not reused. */
  current = true;
  series: number = UNRESOLVED;
  generation: number = UNRESOLVED;

  constructor(id: string, facts: Endpoint, addedAtMs: number = Number.NEGATIVE_INFINITY) {
    this.id = id;
    this.facts = facts;
    this.addedAtMs = addedAtMs;
  }

  /** New facts about the same address. What was learned stays; series are resolved again where labels changed. */
  renew(facts: Endpoint): void {
    if (!sameLabels(this.facts, facts)) this.series = UNRESOLVED;
    this.facts = facts;
  }
}

/** Whether metrics of both would carry the same labels. */
function sameLabels(a: Endpoint, b: Endpoint): boolean {
  if (a.identity !== b.identity || a.zone !== b.zone) return false;
  const names = Object.keys(a.labels);
  return names.length === Object.keys(b.labels).length && names.every((name) => a.labels[name] === b.labels[name]);
}
