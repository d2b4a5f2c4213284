import type { QueueLimits } from '../../contract/resources.ts';

/** What the requests of one pool that wait for an endpoint know together. */
export class QueueState {
  waiting = 0;
  /** Since when no endpoint could be had; Infinity = one can. */
  emptySinceMs: number = Number.POSITIVE_INFINITY;
}

export type QueueDecision =
  /** Counted as waiting: look again at `recheckAtMs`; `queueLeft` when it ends. */
  | 'wait'
  /** Fails at once with 504: nothing could be had for `failfastMs`, and still cannot. */
  | 'failfast'
  /** Fails with 503: too many wait. Never retried. */
  | 'shed';

/**
 * A pick found no endpoint, but there are some (`all_ejected`), or may be (`endpoints_unknown`). Where there are none at all, waiting would only delay the
 * answer: the caller fails the request itself.
 */
export function queueEntered(queue: QueueState, limits: QueueLimits, nowMs: number): QueueDecision {
  const decision = queueRechecked(queue, limits, nowMs);
  if (decision === 'failfast') return decision;
  if (queue.waiting >= limits.capacity) return 'shed';
  queue.waiting++;
  return 'wait';
}

/** A pick for a request that waits already found none again. */
export function queueRechecked(queue: QueueState, limits: QueueLimits, nowMs: number): 'wait' | 'failfast' {
  queue.emptySinceMs = Math.min(queue.emptySinceMs, nowMs);
  return nowMs - queue.emptySinceMs >= limits.failfastMs ? 'failfast' : 'wait';
}

/** A request waits no longer, whatever the reason. */
export function queueLeft(queue: QueueState): void {
  queue.waiting--;
}

/** An endpoint can be had. Not to be said of a probe, as long as it has no verdict: in fail-fast, only its success lets others wait again. */
export function queueReady(queue: QueueState): void {
  queue.emptySinceMs = Number.POSITIVE_INFINITY;
}

/** Pause between looks where nothing says when an endpoint comes back: it has no verdict on its probe yet, or the resource has not arrived. */
const RECHECK_MS = 25;

/** When a request that waits should pick again, `ejectedUntilMs` being that of the pool. */
export function recheckAtMs(queue: QueueState, limits: QueueLimits, ejectedUntilMs: number, nowMs: number): number {
  const isKnown = ejectedUntilMs > nowMs && ejectedUntilMs < Number.POSITIVE_INFINITY;
  return Math.min(isKnown ? ejectedUntilMs : nowMs + RECHECK_MS, queue.emptySinceMs + limits.failfastMs);
}
