import type { RouteEntry, RouteTable } from '../../core/route/table.ts';
import type { RequestView } from '../../http/message.ts';

/** The route of a request. Texts are made only where there are routes, and equal requests of HTTP/2 are matched once per table. */
export function routeOf(table: RouteTable, head: RequestView): RouteEntry {
  if (table.routes.length === 0) return table.fallback;
  const memo = head.routeMemo;
  if (memo === null) return table.match(head.method, head.target);
  if (memo.table === table) return memo.route!;
  const route = table.match(head.method, head.target);
  memo.table = table;
  memo.route = route;
  return route;
}
