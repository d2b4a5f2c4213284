import { LATENCY_BUCKETS_MS } from '../../../proxy-image/contract/traffic/latency-buckets.ts';

/**
 * The value below which `share` (0 to 1) of what was counted lies, by interpolation within its bucket as `histogram_quantile` of Prometheus does it: never
 * further from the exact one than the bucket is wide. What is above the last bound counts as that bound. `null`: nothing was counted.
 */
export function quantile(buckets: Float64Array, share: number): number | null {
  let total = 0;
  for (const count of buckets) total += count;
  if (total === 0) return null;
  const rank = Math.min(Math.max(share, 0), 1) * total;
  let below = 0;
  for (let bucket = 0; bucket < LATENCY_BUCKETS_MS.length; bucket++) {
    const count = buckets[bucket]!;
    if (count > 0 && below + count >= rank) {
      const from = bucket === 0 ? 0 : LATENCY_BUCKETS_MS[bucket - 1]!;
      return from + ((LATENCY_BUCKETS_MS[bucket]! - from) * Math.max(rank - below, 0)) / count;
    }
    below += count;
  }
  return LATENCY_BUCKETS_MS.at(-1)!;
}
