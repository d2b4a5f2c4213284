import type { Reader } from '../read/reader.ts';
import { type Filter, readFilters } from './filter.ts';

/**
 * Shares of the traffic among the backends of the policy. `weight` is a non-negative integer; `backend` an index. Filters apply to what goes to that backend
 * only. A distribution without a share of positive weight answers 500 (Gateway API: HTTPRouteRule `backendRefs`).
 */
export interface Share {
  backend: number;
  weight: number;
  filters: Filter[];
}

export type Distribution = Share[];

/** A share whose backend is none of the table counts for nothing, so that its part of the traffic does not go elsewhere: the whole distribution fails. */
export function readDistribution(reader: Reader, value: unknown, path: string, backends: number): Distribution {
  const before = reader.denied;
  const shares = reader.list(value, path, (entry, at) => {
    const fields = reader.object(entry, at);
    return {
      backend: reader.index(fields['backend'], `${at}.backend`, backends),
      weight: reader.integerOf(fields, at, 'weight', 0, Number.MAX_SAFE_INTEGER),
      filters: fields['filters'],
      at,
    };
  });
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  if (total > Number.MAX_SAFE_INTEGER) reader.fail(path, 'weights with a sum of at most 2^53-1');
  if (reader.denied !== before) return [];
  return shares.map(({ backend, weight, filters, at }) => {
    return { backend, weight, filters: readFilters(reader, filters, `${at}.filters`, backends) };
  });
}
