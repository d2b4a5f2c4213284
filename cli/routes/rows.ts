import { child, listOf, readMeta, textOf } from '../../crds/parse/metadata.ts';
import type { Dimension } from '../../crds/viz/dimensions.ts';
import { ApiError, type Cluster, list } from '../cluster/cluster.ts';
import type { ResourceArgument } from '../resources/arguments.ts';
import { collectionOf, NAMESPACE, type ResourceKind, SERVICE, SERVICE_PROFILE } from '../resources/kinds.ts';
import type { Item } from '../traffic/answer.ts';
import { type Figures, NO_FIGURES } from '../traffic/figures.ts';
import { isAt, labelled, ownPlace, type Place, peerPlace } from '../traffic/place.ts';
import type { Question, Traffic } from '../traffic/traffic.ts';

export interface RouteRow {
  /** What was asked for: whose calls, or calls of whom. */
  kind: ResourceKind;
  name: string;
  /** Of the Service that was called. */
  service: string;
  /** `null`: no route has matched, or the Service has none. */
  route: string | null;
  figures: Figures;
}

interface Asking {
  cluster: Cluster;
  traffic: Traffic;
}

interface To {
  name: string;
  namespace: string;
}

const CALLED = ['serviceNamespace', 'serviceName', 'routeKind', 'routeName'] as const;

/**
 * Of a Service: the requests that were sent to it. Of a workload: with `to` those that it has sent to that Service, without the attempts that have come to its
 * pods, by Services of the namespace. All is counted by clients, which alone know by which route a request went.
 */
export async function routesOf(asking: Asking, argument: ResourceArgument, to: To | null): Promise<RouteRow[]> {
  const { kind, name } = argument;
  const namespace = kind === NAMESPACE && name !== null ? name : asking.cluster.namespace;
  const place = to === null ? peerPlace(kind)! : ownPlace(kind)!;
  const [items, routes] = await Promise.all([
    asking.traffic.ask(questionOf(place, argument, namespace, to)),
    profiledRoutes(asking.cluster, kind === SERVICE ? { name, namespace } : to),
  ]);
  const rows = rowsOf(kind, place, items);
  const known = new Set(rows.map(keyOf));
  const owners = new Set([...rows.map((row) => row.name), ...(name === null ? [] : [name])]);
  const unused = routes.flatMap(({ service, route }) =>
    (kind === SERVICE ? [service] : [...owners])
      .map((owner) => ({ kind, name: owner, service, route, figures: NO_FIGURES }))
      .filter((row) => !known.has(keyOf(row))),
  );
  return [...rows, ...unused].toSorted(inOrder);
}

function questionOf(place: Place, { kind, name }: ResourceArgument, namespace: string, to: To | null): Question {
  const by: Dimension[] = [...new Set<Dimension>([...Object.values(place), ...CALLED])];
  const own = name === null ? {} : labelled(place, { kind, name, namespace });
  const called = to === null ? {} : { serviceNamespace: to.namespace, serviceName: to.name };
  const counted = kind === SERVICE || to !== null ? 'requests' : 'attempts';
  const where = { ...own, ...called, direction: 'outbound', counted };
  return { namespace, by, where, owner: to === null ? 'service' : 'reporter' };
}

function rowsOf(kind: ResourceKind, place: Place, items: readonly Item[]): RouteRow[] {
  return items
    .filter((item) => isAt(place, kind, item) && item.label('serviceName') !== '')
    .map((item) => {
      const figures = { requests: item, connections: null };
      return { kind, name: item.label(place.name), service: item.label('serviceName'), route: routeIn(item), figures };
    });
}

function routeIn(item: Item): string | null {
  return item.label('routeKind') === 'default' ? null : item.label('routeName') || null;
}

/** Routes of profiles are shown though nothing was sent by them, in Linkerd's command as here. */
async function profiledRoutes(
  cluster: Cluster,
  service: { name: string | null; namespace: string } | null,
): Promise<{ service: string; route: string }[]> {
  if (service === null) return [];
  const profiles = await list<unknown>(cluster, collectionOf(SERVICE_PROFILE, service.namespace)).catch(none);
  return profiles.flatMap((profile) => {
    // `<service>.<namespace>.svc.<domain of the cluster>`
    const [name = '', namespace, svc] = readMeta(profile).name.split('.');
    const isOf = svc === 'svc' && namespace === service.namespace && (service.name ?? name) === name;
    if (!isOf) return [];
    return listOf(child(profile, 'spec'), 'routes').map((route) => ({ service: name, route: textOf(route, 'name') }));
  });
}

/** Without the definition, or the right to see profiles, there are the routes that were called. */
function none(error: unknown): unknown[] {
  if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return [];
  throw error;
}

function keyOf({ name, service, route }: RouteRow): string {
  return JSON.stringify([name, service, route]);
}

/** By name; what no route has matched is last. */
function inOrder(a: RouteRow, b: RouteRow): number {
  return (
    compare(a.name, b.name) ||
    compare(a.service, b.service) ||
    Number(a.route === null) - Number(b.route === null) ||
    compare(a.route ?? '', b.route ?? '')
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
