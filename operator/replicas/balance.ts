/**
 * Proxies come to replicas by a Service, that is by chance: a share strays from the mean by its square root or so, which is no reason to move anybody. Of a large share a part is more than
 * that, of a small one `plus` is. Between the two bounds nothing begins and what has begun goes on, so that a few proxies more or less do not start it again.
 */
const BEGINS = { part: 1 / 5, deviations: 4, plus: 4 };
const ENDS = { part: 1 / 10, deviations: 2, plus: 2 };

export type Balance =
  /** `alone`: there is no other replica. `even`: nobody has so many more than the others that it would be worth it. */
  | { type: 'alone' | 'even' }
  /** Replicas in `over` have more than `keep`, and no reason to have them. */
  | { type: 'uneven'; keep: number; over: readonly string[] };

/**
 * Who has too many proxies.
 *
 * @param counts proxies of each replica, by its name
 * @param moving whether some are being moved already
 */
export function judgeBalance(counts: ReadonlyMap<string, number>, moving: boolean): Balance {
  if (counts.size < 2) return { type: 'alone' };
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const share = total / counts.size;
  const most = Math.max(...counts.values());
  if (most <= boundOf(share, moving ? ENDS : BEGINS)) return { type: 'even' };
  const keep = Math.ceil(boundOf(share, ENDS));
  return { type: 'uneven', keep, over: [...counts].filter(([, count]) => count > keep).map(([name]) => name) };
}

function boundOf(share: number, { part, deviations, plus }: typeof BEGINS): number {
  return share + Math.max(share * part, deviations * Math.sqrt(share) + plus);
}

const MOST_PER_SECOND = 20;

/** How many of `connected` proxies go in one second where `keep` may stay: one in a hundred, for each of them costs another replica a handshake. */
export function movesOf(connected: number, keep: number): number {
  const perSecond = Math.min(MOST_PER_SECOND, Math.max(1, Math.floor(connected / 100)));
  return Math.max(0, Math.min(perSecond, connected - keep));
}
