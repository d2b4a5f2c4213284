import type { Dimension } from '../../crds/viz/dimensions.ts';
import type { Direction } from '../../proxy-image/contract/traffic/labels.ts';
import type { ResourceArgument } from '../resources/arguments.ts';
import { NAMESPACE, POD, type ResourceKind, WORKLOAD_KINDS } from '../resources/kinds.ts';
import type { Item } from '../traffic/answer.ts';
import { isAt, labelled, ownPlace } from '../traffic/place.ts';
import type { Asking } from '../traffic/run.ts';

/** What has a proxy of its own, and so has a side that takes requests and one that sends them. */
export const SIDE_KINDS: readonly ResourceKind[] = [...WORKLOAD_KINDS, POD, NAMESPACE];

/** An item with whose it is. */
export interface Owned {
  kind: ResourceKind;
  name: string;
  item: Item;
}

/** The requests that were counted on one side of resources, by these dimensions besides. */
export async function sideOf(
  { cluster, traffic }: Asking,
  wanted: readonly ResourceArgument[],
  direction: Direction,
  dimensions: readonly Dimension[],
): Promise<Owned[]> {
  const found = await Promise.all(
    wanted.map(async ({ kind, name }): Promise<Owned[]> => {
      const place = ownPlace(kind)!;
      const isNamespace = kind === NAMESPACE;
      const namespace = isNamespace ? name : cluster.namespace;
      const where = name === null ? {} : labelled(place, { kind, name, namespace: namespace ?? '' });
      const by = [...new Set<Dimension>([...Object.values(place), ...dimensions])];
      const items = await traffic.ask({
        namespace,
        by,
        where: { ...where, direction, counted: 'requests' },
        owner: 'reporter',
      });
      return items
        .filter((item) => isAt(place, kind, item))
        .map((item) => ({ kind, name: item.label(place.name), item }));
    }),
  );
  return found.flat();
}

/** A route by what it is and its name, in Linkerd's words. */
export function routeIn(item: Item): { route: string; routeType: string } {
  const kind = item.label('routeKind');
  const isNone = kind === '' || kind === 'default';
  return isNone ? { route: '[default]', routeType: '' } : { route: item.label('routeName'), routeType: kind };
}

/** By the texts, the first first. */
export function inOrder<R>(rows: Iterable<R>, textsOf: (row: R) => readonly string[]): R[] {
  const keyed = [...rows].map((row) => ({ row, key: textsOf(row).join('\n') }));
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ row }) => row);
}
