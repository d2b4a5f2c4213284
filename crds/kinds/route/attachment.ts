import { compareText } from '../../state/order.ts';
import type { ServicePort } from '../service/authority.ts';
import type { ServiceModel } from '../service/model.ts';
import type { MatchRank, ParentRef, RouteModel } from './model.ts';

/**
 * Whether a parentRef means this port of this Service: the port that it names by number, by `sectionName`, by both, or every port (GEP-1294, "Ports";
 * Gateway API: ParentReference `sectionName`, `port`).
 */
export function meansPort(parent: ParentRef, { meta }: ServiceModel, port: ServicePort): boolean {
  return (
    parent.target === 'service' &&
    parent.namespace === meta.namespace &&
    parent.name === meta.name &&
    (parent.port === 0 || parent.port === port.port) &&
    (parent.sectionName === '' || parent.sectionName === port.name)
  );
}

/**
 * The routes that say what becomes of traffic to a port, of all that name its Service and may speak for a client. Routes of the client's own namespace
 * replace those of the Service's (GEP-1294, "Multiple routes for a Service"); then the most specific type of route is alone (GEP-1294, "Route types").
 */
export function effectiveRoutes(
  routes: readonly RouteModel[],
  service: ServiceModel,
  port: ServicePort,
  clientNamespace: string,
): RouteModel[] {
  const attached = routes.filter(({ parents }) => parents.some((parent) => meansPort(parent, service, port)));
  const own = attached.filter(({ meta }) => meta.namespace === clientNamespace);
  const speaking = own.length > 0 ? own : attached.filter(({ meta }) => meta.namespace === service.meta.namespace);
  return ofOneType(speaking, port.appProtocol).sort(byPrecedence);
}

/** HTTP/1 carries no gRPC, and what is not HTTP knows neither (Linkerd: `appProtocol` of a parent). */
export function ofOneType(routes: readonly RouteModel[], appProtocol: string): RouteModel[] {
  const types = TYPES[appProtocol] ?? [];
  const type = types.find((each) => routes.some(({ kind }) => kind === each));
  return routes.filter(({ kind }) => kind === type);
}

const BOTH = ['GRPCRoute', 'HTTPRoute'] as const;
const TYPES: Readonly<Record<string, readonly RouteModel['kind'][]>> = {
  '': BOTH,
  http: ['HTTPRoute'],
  'kubernetes.io/h2c': BOTH,
  grpc: BOTH,
};

/** Ties between routes: the oldest, then the first by `{namespace}/{name}` (Gateway API: HTTPRouteRule `matches`); two groups may have one of the same name. */
export function byPrecedence(a: RouteModel, b: RouteModel): number {
  return (
    compareText(a.meta.creationTimestamp, b.meta.creationTimestamp) ||
    compareText(`${a.meta.namespace}/${a.meta.name}`, `${b.meta.namespace}/${b.meta.name}`) ||
    compareText(a.group, b.group)
  );
}

/**
 * Rules in order of precedence: the one with the more specific match goes first. `ranked`: those of routes in the order of `byPrecedence`, which of equal ranks
 * decides, and in the order of the route, which decides next.
 */
export function inOrder<R>(ranked: readonly { rank: MatchRank; rule: R }[]): R[] {
  return ranked.toSorted((a, b) => compareRanks(a.rank, b.rank)).map(({ rule }) => rule);
}

function compareRanks(a: MatchRank, b: MatchRank): number {
  for (const [at, figure] of a.entries()) if (figure !== b[at]) return (b[at] ?? 0) - figure;
  return 0;
}
