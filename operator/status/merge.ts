import { compareText } from '../../crds/state/order.ts';
import { MAX_NAMED, type Programmed } from './programmed.ts';
import { noteRejection, type Rejection } from './rejections.ts';

/** Of parts that have no proxy in common, what one replica with all their proxies would say. Their times are of one clock. */
export function merged(parts: readonly Programmed[]): Programmed {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const rejections: Rejection[] = [];
  for (const part of parts) for (const each of part.rejections) noteRejection(rejections, each);
  const since = parts.map(({ sinceMs }) => sinceMs).filter((sinceMs) => sinceMs !== 0);
  return {
    proxies: sum(parts.map(({ proxies }) => proxies)),
    current: sum(parts.map(({ current }) => current)),
    behind: parts
      .flatMap(({ behind }) => behind)
      .sort(compareText)
      .slice(0, MAX_NAMED),
    sinceMs: since.length === 0 ? 0 : Math.min(...since),
    rejections,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
