import type { RouteTable } from '../../core/route/table.ts';
import type { RequestView } from '../../http/message.ts';

/** What the first rule that a request matches decides. Texts are made only where there are rules, and equal requests of HTTP/2 are matched once per table. */
export function routeOf<E>(table: RouteTable<E>, head: RequestView): E {
  if (table.isEmpty) return table.fallback;
  const memo = head.routeMemo;
  if (memo === null) return table.match(head);
  if (memo.table !== table) {
    memo.rule = table.find(head);
    memo.table = table;
  }
  return table.at(memo.rule);
}
