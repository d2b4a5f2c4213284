import type { Endpoint } from '../../contract/resources.ts';
import type { BreakerState } from '../breaker/state.ts';
import { type SeriesHolder, UNRESOLVED } from '../series.ts';

/** Why no connection could be made. */
export type ConnectFailure = 'refused' | 'unreachable' | 'timeout' | 'identity' | 'no certificate' | 'other';

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
  /** Nothing is sent to it before this time: it rests after a failed connect, or an attempt to reach it has no result yet. */
  readyAtMs = 0;
  /** Failed connects in a row. Above 0 with its rest over: to be tried anew, with nothing at stake where that is possible. */
  connectFailures = 0;
  /** An attempt to reach it is under way. */
  attempting = false;
  /** Its proxy answers, its application does not: only a response says that it is back. */
  needsResponse = false;
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
