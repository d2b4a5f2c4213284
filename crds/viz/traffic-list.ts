import type { COUNTER } from '../../proxy-image/contract/traffic/counters.ts';
import type { Dimension } from './dimensions.ts';
import type { VIZ_API_VERSION } from './group.ts';

/** How far back can be looked, and is unless something is said (Linkerd: `-t 1m`). The window has slots of ten seconds, for ten minutes. */
export const TRAFFIC_SECONDS = { least: 1, usual: 60, most: 600 } as const;

/** What a `GET` of `traffic` asks. */
export interface TrafficQuestion {
  /** Series that are alike in these are put together; see `BY`. Parameter `by`, names with commas between. */
  by: readonly Dimension[];
  /** Only series with these labels. Parameters `where.<dimension>`. */
  where: Readonly<Partial<Record<Dimension, string>>>;
  /** How far to look back, seconds. Parameter `seconds`. */
  seconds: number;
  /**
   * Whose the series are of which the path names the namespace: those of proxies in it, or those of calls to Services in it, whoever makes them. Parameter
   * `owner`. Without a namespace it means nothing.
   */
  owner: 'reporter' | 'service';
}

/** What the API answers. Items in which nothing has counted are left out. */
export interface TrafficList {
  apiVersion: typeof VIZ_API_VERSION;
  kind: 'TrafficList';
  metadata: Record<string, never>;
  by: readonly Dimension[];
  seconds: number;
  items: readonly TrafficItem[];
  /** Replicas of the control plane whose proxies' part is missing from the items. Empty: the answer is whole. */
  missing: readonly string[];
}

export interface TrafficItem {
  /** As many as the list's `by`, in its order. */
  labels: readonly string[];
  /** Proxies that have counted something. */
  proxies: number;
  /** Seconds that the counts are of: the mean of what the proxies have told of. A rate is a count divided by it. */
  seconds: number;
  counts: Readonly<Record<keyof typeof COUNTER, number>>;
  /** Time to the first byte of a response's body; `null`: there was none. */
  latencyMs: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
}

/** Parameters of the URL. */
export function trafficParameters({ by, where, seconds, owner }: TrafficQuestion): Record<string, string> {
  const filters = Object.entries(where).map(([dimension, text]) => [`where.${dimension}`, text] as const);
  return { by: by.join(','), seconds: String(seconds), owner, ...Object.fromEntries(filters) };
}
