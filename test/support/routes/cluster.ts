import { GRPC_ROUTE_ROW } from '../../../crds/kinds/grpc-route/kind.ts';
import { HTTP_FAULT_ROW } from '../../../crds/kinds/http-fault/kind.ts';
import { HTTP_ROUTE_ROW, POLICY_HTTP_ROUTE_ROW } from '../../../crds/kinds/http-route/kind.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import type { KindRow } from '../../../crds/kinds/row.ts';
import { readMeta, textOf } from '../../../crds/parse/metadata.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { worldServices } from './world.ts';

const ROUTE_KINDS: readonly KindRow[] = [HTTP_ROUTE_ROW, POLICY_HTTP_ROUTE_ROW, GRPC_ROUTE_ROW, HTTP_FAULT_ROW];

export const ROWS: readonly KindRow[] = [...KINDS, ...ROUTE_KINDS.filter((row) => !KINDS.includes(row))];

/** The row of a raw object, by its apiVersion and kind. */
export function rowOf(raw: object): KindRow {
  const [version = '', group = ''] = textOf(raw, 'apiVersion').split('/').reverse();
  const kind = textOf(raw, 'kind');
  const row = ROWS.find((each) => each.group === group && each.kind === kind);
  if (row === undefined) throw new Error(`no row for ${kind} of ${group}/${version}`);
  return row;
}

export function put(state: ClusterState, raw: object): ReadonlySet<string> {
  const row = rowOf(raw);
  const parsed = row.parse(raw);
  return state.applyParsed(row, parsed, parsed.model?.meta ?? readMeta(raw));
}

/** The world, and these objects; an object of the same name replaces one of the world. */
export function clusterOf(objects: readonly object[]): ClusterState {
  const state = new ClusterState(ROWS);
  for (const raw of [...worldServices(), ...objects]) put(state, raw);
  return state;
}
