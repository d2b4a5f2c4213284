import type { COUNTER } from '../../proxy-image/contract/traffic/counters.ts';

/** What each request (attempt) ends as: one of these. */
export type Ends = Readonly<Record<'success' | 'failure' | 'timedOut' | 'unanswered', number>>;

export type CounterName = keyof typeof COUNTER;

/** Requests (attempts) that have ended. */
export function endedOf({ success, failure, timedOut, unanswered }: Ends): number {
  return success + failure + timedOut + unanswered;
}

/** Share of those that have ended, 0 to 1; `null`: none has. */
export function successRateOf(ends: Ends): number | null {
  const ended = endedOf(ends);
  return ended === 0 ? null : ends.success / ended;
}

/** `null`: they are of no time. */
export function perSecond(count: number, seconds: number): number | null {
  return seconds === 0 ? null : count / seconds;
}
