import { type KeyIndexOf, keyIndex } from '../../state/kind.ts';
import type { ClusterView } from '../../state/view.ts';
import type { KindName } from '../../types/kind-name.ts';
import { GRPC_ROUTE, HTTP_ROUTE, type ParentRef, POLICY_HTTP_ROUTE, type RouteModel } from './model.ts';

/** By the Service that they are attached to, together with their own namespace: what clients of one namespace go by is one read. */
function ofService(kind: KindName<RouteModel>): KeyIndexOf<RouteModel> {
  return keyIndex(kind, 'ofService', ({ parents }, { namespace }) => keysOf(parents, 'service', namespace));
}

/** The same by the Server. */
function ofServer(kind: KindName<RouteModel>): KeyIndexOf<RouteModel> {
  return keyIndex(kind, 'ofServer', ({ parents }, { namespace }) => keysOf(parents, 'server', namespace));
}

export const HTTP_ROUTES_OF_SERVICE = ofService(HTTP_ROUTE);
export const POLICY_HTTP_ROUTES_OF_SERVICE = ofService(POLICY_HTTP_ROUTE);
export const GRPC_ROUTES_OF_SERVICE = ofService(GRPC_ROUTE);
export const HTTP_ROUTES_OF_SERVER = ofServer(HTTP_ROUTE);
export const POLICY_HTTP_ROUTES_OF_SERVER = ofServer(POLICY_HTTP_ROUTE);
export const GRPC_ROUTES_OF_SERVER = ofServer(GRPC_ROUTE);

const OF_SERVICE = [GRPC_ROUTES_OF_SERVICE, HTTP_ROUTES_OF_SERVICE, POLICY_HTTP_ROUTES_OF_SERVICE];
const OF_SERVER = [GRPC_ROUTES_OF_SERVER, HTTP_ROUTES_OF_SERVER, POLICY_HTTP_ROUTES_OF_SERVER];

/** Routes of every kind that `routeNamespace` attaches to a Service, whatever its port. */
export function routesOfService(
  view: ClusterView,
  { namespace, service }: { namespace: string; service: string },
  routeNamespace: string,
): RouteModel[] {
  return OF_SERVICE.flatMap((index) => view.by(index, keyOf(routeNamespace, namespace, service)));
}

/** Routes of every kind that are attached to a Server; they are of its own namespace (Linkerd: HTTPRoute on a Server). */
export function routesOfServer(view: ClusterView, namespace: string, server: string): RouteModel[] {
  return OF_SERVER.flatMap((index) => view.by(index, keyOf(namespace, namespace, server)));
}

/** The route of that group and kind; `null` where there is none of that name, or no such kind. */
export function routeOf(
  view: ClusterView,
  group: string,
  kind: string,
  namespace: string,
  name: string,
): RouteModel | null {
  const row = [GRPC_ROUTE, HTTP_ROUTE, POLICY_HTTP_ROUTE].find((each) => each.group === group && each.kind === kind);
  return row === undefined ? null : view.get(row, namespace, name);
}

function keysOf(parents: readonly ParentRef[], target: ParentRef['target'], routeNamespace: string): string[] {
  const meant = parents.filter((parent) => parent.target === target);
  return [...new Set(meant.map(({ namespace, name }) => keyOf(routeNamespace, namespace, name)))];
}

function keyOf(routeNamespace: string, namespace: string, name: string): string {
  return `${routeNamespace}/${namespace}/${name}`;
}
