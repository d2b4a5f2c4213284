import type { Endpoint } from '../../contract/resources.ts';
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
  consecutiveFailures = 0;
  /** No connection is tried before this time, while another endpoint is ready (backoff after failed connects). */
  readyAtMs = 0;
  connectFailures = 0;
  /** False once the address has left its pool: connections to it are not reused. */
  current = true;
  series: number = UNRESOLVED;
  generation: number = UNRESOLVED;

  constructor(id: string, facts: Endpoint) {
    this.id = id;
    this.facts = facts;
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
