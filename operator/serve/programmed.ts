import type { ResourceCache } from '../../crds/compile/resource-cache.ts';
import { formatRef, type ObjectRef } from '../../crds/state/object-ref.ts';
import { compareText } from '../../crds/state/order.ts';
import { MAX_NAMED, type Programmed } from '../status/programmed.ts';
import { noteRejection, type Rejection } from '../status/rejections.ts';
import type { Session } from './session.ts';
import { isCurrent } from './subscription.ts';

/** Counts the proxies that subscribe to something made from `object`, and those that have acknowledged all of it. */
export function programmed(cache: ResourceCache<Session>, object: ObjectRef): Programmed {
  const proxies = new Set<Session>();
  const behind = new Set<Session>();
  const rejections: Rejection[] = [];
  let sinceMs = 0;
  for (const { keyText, compiled, audiences } of cache.using(formatRef(object))) {
    for (const session of [...audiences].flatMap((audience) => [...audience.subscribers])) {
      proxies.add(session);
      const subscription = session.subscription(keyText);
      if (subscription === undefined || isCurrent(subscription)) continue;
      behind.add(session);
      const since = session.behindSinceMs(subscription);
      if (since > 0) sinceMs = sinceMs === 0 ? since : Math.min(sinceMs, since);
      if (subscription.rejectedVersion !== compiled?.version) continue;
      noteRejection(rejections, { proxy: session.name, key: keyText, problems: [...subscription.problems] });
    }
  }
  const names = [...behind].map(({ name }) => name).sort(compareText);
  const current = proxies.size - behind.size;
  return { proxies: proxies.size, current, behind: names.slice(0, MAX_NAMED), sinceMs, rejections };
}
