import { parsePrometheusText } from '../support/prometheus-text.ts';
import { sum } from './distribution.ts';

const MS = 1_000;

/** Upper bound of the bucket in which the share (0 to 1) of what was observed between two readings lies, ms. NaN: nothing was observed. */
export function rankBetween(before: readonly string[], after: readonly string[], name: string, share: number): number {
  const [from, to] = [bucketsOf(before, name), bucketsOf(after, name)];
  const grown = [...to].map(([bound, count]) => ({ bound, count: count - (from.get(bound) ?? 0) }));
  const inOrder = grown.toSorted((a, b) => a.bound - b.bound);
  const all = inOrder.at(-1)?.count ?? 0;
  return all === 0 ? Number.NaN : inOrder.find(({ count }) => count >= all * share)!.bound * MS;
}

/** Sum of a gauge over replicas. */
export function gaugeOf(texts: readonly string[], name: string): number {
  const samples = texts.flatMap((text) => parsePrometheusText(text).get(name)?.samples ?? []);
  return sum(samples.map(({ value }) => value));
}

function bucketsOf(texts: readonly string[], name: string): Map<number, number> {
  const buckets = new Map<number, number>();
  for (const text of texts) {
    for (const { name: sample, labels, value } of parsePrometheusText(text).get(name)?.samples ?? []) {
      if (sample !== `${name}_bucket`) continue;
      const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']);
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    }
  }
  return buckets;
}
