import type { Audience } from '../../crds/compile/resource-cache.ts';

/** What one proxy holds, and shall hold, of one key. */
export interface Subscription<S> {
  readonly keyText: string;
  readonly audience: Audience<S>;
  /** Asked for by the proxy, or pushed to all. */
  explicit: boolean;
  /** How many of the proxy's services name this key. */
  impliedBy: number;
  /** What the proxy has acknowledged, or said that it holds; empty: nothing. */
  heldVersion: string;
  /** How new that was when the proxy came with it, which a replica that lags behind must not go back from; empty: it is from this replica. */
  heldSources: string;
  /** The version that the proxy refused last, and why; it is not sent again. */
  rejectedVersion: string;
  rejectedAtMs: number;
  problems: readonly string[];
  /** Monotonic time of the first change that has not been written yet; 0: none. */
  dirtySinceMs: number;
  /** Keys that the service names, or named in the version that the proxy still has; each counts one `impliedBy`. */
  names: readonly string[];
  /** Since when this replica keeps quiet about the key; 0: it does not. */
  withheldSinceMs: number;
}

const NONE: readonly string[] = [];

export function createSubscription<S>(
  audience: Audience<S>,
  held: { version: string; sources: string } | undefined,
): Subscription<S> {
  return {
    keyText: audience.keyText,
    audience,
    explicit: false,
    impliedBy: 0,
    heldVersion: held?.version ?? '',
    heldSources: held?.sources ?? '',
    rejectedVersion: '',
    rejectedAtMs: 0,
    problems: NONE,
    dirtySinceMs: 0,
    names: NONE,
    withheldSinceMs: 0,
  };
}

export function reject<S>(
  subscription: Subscription<S>,
  version: string,
  problems: readonly string[],
  nowMs: number,
): void {
  subscription.rejectedVersion = version;
  subscription.rejectedAtMs = nowMs;
  subscription.problems = problems;
}

/** Whether there is something to send: a version that the proxy neither holds nor has refused. */
export function isBehind<S>(subscription: Subscription<S>): boolean {
  const version = subscription.audience.resource.compiled?.version;
  return version !== undefined && version !== subscription.heldVersion && version !== subscription.rejectedVersion;
}

export function isCurrent<S>(subscription: Subscription<S>): boolean {
  const version = subscription.audience.resource.compiled?.version;
  return version === undefined || version === subscription.heldVersion;
}
