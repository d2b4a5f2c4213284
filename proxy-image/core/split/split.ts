import type { Rng } from '../rng.ts';
import { below } from '../rng.ts';

/** Cumulative integer weights: `cumulative[i]` is the sum of weights 0..i. A share of weight 0 owns no integer, so it is never picked. */
export interface Split {
  readonly cumulative: readonly number[];
  readonly total: number;
}

/** What `pickShare` says of a split that gives nobody anything. */
export const NO_SHARE = -1;

/** `weights` are non-negative integers whose sum is at most 2^53 (checked where resources are read). */
export function compileSplit(weights: readonly number[]): Split {
  const cumulative: number[] = [];
  let total = 0;
  for (const weight of weights) {
    total += weight;
    cumulative.push(total);
  }
  return { cumulative, total };
}

/** Index of the share for one attempt, or `NO_SHARE`. Each attempt draws anew (Linkerd: retries re-pick). */
export function pickShare(split: Split, rng: Rng): number {
  const { cumulative, total } = split;
  if (total === 0) return NO_SHARE;
  // One share needs no randomness.
  if (cumulative.length === 1) return 0;
  const drawn = below(rng, total);
  let index = 0;
  while (drawn >= cumulative[index]!) index++;
  return index;
}
