import type { Filter } from '../../../proxy-image/contract/policy/filter.ts';
import type { InboundRule } from '../../../proxy-image/contract/policy/inbound.ts';
import { MATCHES_ALL, type RequestMatch } from '../../../proxy-image/contract/policy/match.ts';
import type { Authorization } from '../../../proxy-image/contract/resources.ts';
import { policiesOf } from '../../kinds/authorization/authorization-policy.ts';
import type { MeshModel } from '../../kinds/mesh/model.ts';
import { byPrecedence, inOrder, ofOneType } from '../../kinds/route/attachment.ts';
import type { MatchRank, RouteFilter, RouteModel, RouteRule } from '../../kinds/route/model.ts';
import { routesOfServer } from '../../kinds/route/queries.ts';
import type { ServerModel } from '../../kinds/server/model.ts';
import type { ClusterView } from '../../state/view.ts';
import { INVALID_RULE, metaOfRoute } from '../shared/routes.ts';
import { authorizationsOf } from './authorization-policy.ts';

interface RankedRule {
  rank: MatchRank;
  rule: InboundRule;
}

/**
 * The rules of the routes that are attached to a Server, one for each match, in order of precedence (Gateway API: HTTPRouteRule `matches`). Each has the
 * authorizations of its route and, behind them, `ofServer`: what holds for the Server holds for every route of it (Linkerd: authorization policy).
 */
export function compileRules(
  view: ClusterView,
  mesh: MeshModel,
  server: ServerModel,
  ofServer: readonly Authorization[],
): InboundRule[] {
  const { namespace, name } = server.meta;
  const routes = ofOneType(routesOfServer(view, namespace, name), APP_PROTOCOLS[server.proxyProtocol]).sort(
    byPrecedence,
  );
  if (routes.length === 0) return [];
  const closed: InboundRule[] = [];
  const ranked: RankedRule[] = [];
  for (const route of routes) {
    const { group, kind, meta } = route;
    const own = authorizationsOf(view, mesh, policiesOf(view, namespace, { group, kind, name: meta.name }));
    for (const rule of route.rules) {
      const base = { meta: metaOfRoute(route, rule.name), authorizations: [...own, ...ofServer] };
      const filters = filtersOf(rule);
      for (const { match, rank } of rule.matches) {
        ranked.push({ rank, rule: { ...base, match: withHosts(route, match), filters } });
      }
      if (rule.unreadMatches > 0) closed.push({ ...base, match: MATCHES_ALL, filters: [INVALID_RULE] });
    }
  }
  return [...closed, ...inOrder(ranked), nothing(routes[0]!)];
}

/** Routes without a rule are routes none of which matches. */
function nothing(route: RouteModel): InboundRule {
  return { meta: metaOfRoute(route, ''), match: { type: 'any', of: [] }, filters: [], authorizations: [] };
}

/** What is spoken to a Server decides which kind of route speaks for it, as `appProtocol` does for a Service. No request is seen of bytes. */
const APP_PROTOCOLS: Readonly<Record<ServerModel['proxyProtocol'], string>> = {
  unknown: '',
  'HTTP/1': 'http',
  'HTTP/2': 'kubernetes.io/h2c',
  gRPC: 'grpc',
  opaque: 'none',
  TLS: 'none',
};

function withHosts({ hostnames }: RouteModel, match: RequestMatch): RequestMatch {
  if (hostnames.length === 0) return match;
  const hosts: RequestMatch = { type: 'any', of: hostnames.map((host) => ({ type: 'host', host })) };
  return { type: 'all', of: [hosts, match] };
}

/** Backends have no meaning here, and neither have filters that need one. */
function filtersOf({ filters, broken }: RouteRule): Filter[] {
  if (broken.length > 0) return [INVALID_RULE];
  return filters.map((filter) => (isInbound(filter) ? filter : INVALID_RULE));
}

/** Linkerd: HTTPRoute on a Server. */
function isInbound(filter: RouteFilter): filter is Extract<RouteFilter, Filter> {
  return filter.type === 'requestHeaders' || filter.type === 'responseHeaders' || filter.type === 'redirect';
}
