import type { Clock } from '../runtime/clock.ts';
import { sleep } from '../runtime/clock.ts';

export interface HandOverPace {
  perSecond: number;
  /** With more than that allows for, so many more a second. */
  withinMs: number;
}

const SLICE_MS = 100;
const NEVER = new AbortController().signal;

/** Ends `connections` a few at a time, so that those who take them over do not have all their handshakes at once. Resolves when each has been told. */
export async function handOver<C>(
  connections: readonly C[],
  end: (connection: C) => void,
  { perSecond, withinMs }: HandOverPace,
  clock: Clock,
): Promise<void> {
  const sliceSize = sliceOf(connections.length, { perSecond, withinMs });
  for (let at = 0; at < connections.length; at += sliceSize) {
    if (at > 0) await sleep(clock, SLICE_MS, NEVER);
    for (const connection of connections.slice(at, at + sliceSize)) end(connection);
  }
}

/** How many of `count` are ended every 0.1 s. */
export function sliceOf(count: number, { perSecond, withinMs }: HandOverPace): number {
  const slices = Math.max(1, Math.floor(withinMs / SLICE_MS));
  return Math.max(1, Math.ceil((perSecond * SLICE_MS) / 1_000), Math.ceil(count / slices));
}
