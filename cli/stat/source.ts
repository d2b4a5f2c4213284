import type { Dimension } from '../../crds/viz/dimensions.ts';
import type { Counted, Direction } from '../../proxy-image/contract/traffic/labels.ts';
import { CliError } from '../errors.ts';
import type { ResourceArgument } from '../resources/arguments.ts';
import { NAMESPACE, POD, type ResourceKind, SERVICE, WORKLOAD_KINDS } from '../resources/kinds.ts';
import type { Item } from '../traffic/answer.ts';
import type { Figures } from '../traffic/figures.ts';
import { isAt, labelled, type Other, ownPlace, type Place, peerPlace } from '../traffic/place.ts';
import type { Question, Traffic } from '../traffic/traffic.ts';

/** What `--to` and `--from` say; one of them at most is not `null`. */
export interface Ends {
  to: Other | null;
  from: Other | null;
}

/** Where the figures of a kind of row come from. */
interface Source {
  question: Question;
  place: Place;
  /** Which of a row's counts are its requests. */
  counted: Counted;
}

/** @param namespace whose rows are wanted; `null` = of all @throws CliError WEFT_CLI_USAGE: nothing is known of such a pair */
export function sourceOf(kind: ResourceKind, namespace: string | null, { to, from }: Ends): Source {
  if (from !== null) return fromSource(kind, from);
  if (to !== null) return toSource(kind, namespace, to);
  // Clients count calls to a Service: its pods do not know by which name they were called.
  if (kind === SERVICE) return sourceBy(peerPlace(kind)!, 'outbound', 'requests', { namespace, owner: 'service' });
  const place = ownPlace(kind);
  if (place === null) throw new CliError('WEFT_CLI_USAGE', `there are no live numbers of ${kind.plural}`);
  return sourceBy(place, 'inbound', 'requests', { namespace, owner: 'reporter' });
}

function toSource(kind: ResourceKind, namespace: string | null, to: Other): Source {
  const place = ownPlace(kind);
  const other = peerPlace(to.kind);
  if (place === null || other === null || !takesPods(kind)) throw meaningless(kind, 'to', to);
  return sourceBy(place, 'outbound', countedOf(to.kind), { namespace, owner: 'reporter', where: labelled(other, to) });
}

function fromSource(kind: ResourceKind, from: Other): Source {
  const place = peerPlace(kind);
  const other = ownPlace(from.kind);
  if (place === null || other === null || !takesPods(from.kind)) throw meaningless(kind, 'from', from);
  const scope = { namespace: from.namespace, owner: 'reporter', where: labelled(other, from) } as const;
  return sourceBy(place, 'outbound', countedOf(kind), scope);
}

/** Calls to the Services that are split. A split calls nobody; who calls it can be asked. @throws CliError WEFT_CLI_USAGE: nothing is known of such a pair */
export function callsOfSplits(kind: ResourceKind, namespace: string | null, { to, from }: Ends): Omit<Question, 'by'> {
  if (to !== null) throw meaningless(kind, 'to', to);
  if (from === null) return { namespace, owner: 'service', where: { direction: 'outbound' } };
  if (!takesPods(from.kind)) throw meaningless(kind, 'from', from);
  return fromSource(SERVICE, from).question;
}

/** A request is sent to a Service; each attempt of it to a pod. */
function countedOf(kind: ResourceKind): Counted {
  return kind === SERVICE ? 'requests' : 'attempts';
}

function takesPods(kind: ResourceKind): boolean {
  return kind === POD || kind === NAMESPACE || WORKLOAD_KINDS.includes(kind);
}

function meaningless(kind: ResourceKind, option: string, { kind: other }: Other): CliError {
  return new CliError(
    'WEFT_CLI_USAGE',
    `${kind.plural} --${option} ${other.plural}: nothing is counted by such a pair`,
  );
}

function sourceBy(
  place: Place,
  direction: Direction,
  counted: Counted,
  { namespace, owner, where = {} }: Pick<Question, 'namespace' | 'owner'> & Partial<Pick<Question, 'where'>>,
): Source {
  const by: Dimension[] = [...new Set(Object.values(place) as Dimension[]), 'counted'];
  return { place, counted, question: { namespace, by, where: { ...where, direction }, owner } };
}

/** `namespace/name` → what is known of it. Namespaces lie in none: `/name`. */
export async function figuresOf(
  traffic: Traffic,
  kind: ResourceKind,
  { question, place, counted }: Source,
): Promise<Map<string, Figures>> {
  const rows = new Map<string, Figures>();
  for (const item of await traffic.ask(question)) {
    if (!isAt(place, kind, item)) continue;
    const key = keyOf(kind === NAMESPACE ? '' : item.label(place.namespace), item.label(place.name));
    addItem(rows, key, item, counted);
  }
  return rows;
}

/** Puts what an item has counted where it belongs; of a third sort there is nothing to show. */
export function addItem(rows: Map<string, Figures>, key: string, item: Item, counted: Counted): void {
  const before = rows.get(key) ?? { requests: null, connections: null };
  const sort = item.label('counted');
  if (sort === counted) rows.set(key, { ...before, requests: item });
  else if (sort === 'connections') rows.set(key, { ...before, connections: item });
}

export function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** `--to deploy/web`, with `--to-namespace`: one object. */
export function otherOf({ kind, name }: ResourceArgument, namespace: string, option: string): Other {
  if (name === null) throw new CliError('WEFT_CLI_USAGE', `${option} takes one object, such as deploy/web`);
  return { kind, name, namespace: kind === NAMESPACE ? name : namespace };
}
