import type { Reader } from '../read/reader.ts';
import { FAIL_CLOSED, type Filter, readFilters } from './filter.ts';
import { type ResponseClass, readResponseClasses } from './response-class.ts';
import { type RetryPolicy, readRetry } from './retry.ts';
import { NO_TIMEOUTS, type RouteTimeouts, readTimeouts } from './timeouts.ts';

/** What happens to the requests of a rule. `origin` and `distribution` are indexes into the tables of the policy; rules that are treated alike share one of these. */
export interface RoutePolicy {
  origin: number;
  filters: Filter[];
  distribution: number;
  retry: RetryPolicy | null;
  timeouts: RouteTimeouts;
  /** Which responses are failures; the first class that matches decides, then the default classification. */
  classes: ResponseClass[];
}

/** How many entries the tables have that a policy refers to. */
export interface TableSizes {
  origins: number;
  backends: number;
  distributions: number;
}

/** A policy that fails every request; `origin` and `distribution` are indexes all the same. */
export function refusal(origin: number, distribution: number): RoutePolicy {
  return {
    origin,
    filters: [{ ...FAIL_CLOSED }],
    distribution,
    retry: null,
    timeouts: { ...NO_TIMEOUTS },
    classes: [],
  };
}

/** -1 for an index that refers to nothing. */
export function readRoutePolicy(reader: Reader, value: unknown, path: string, sizes: TableSizes): RoutePolicy {
  const fields = reader.object(value, path);
  return {
    origin: reader.index(fields['origin'], `${path}.origin`, sizes.origins),
    filters: readFilters(reader, fields['filters'], `${path}.filters`, sizes.backends),
    distribution: reader.index(fields['distribution'], `${path}.distribution`, sizes.distributions),
    retry: readRetry(reader, fields['retry'], `${path}.retry`),
    timeouts: readTimeouts(reader, fields['timeouts'], `${path}.timeouts`),
    classes: readResponseClasses(reader, fields['classes'], `${path}.classes`),
  };
}
