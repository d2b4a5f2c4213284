import { KINDS } from '../../../crds/kinds/registry.ts';
import type { KindRow } from '../../../crds/kinds/row.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import type { Model } from '../../../crds/types/kind-name.ts';
import type { Seen } from './variants.ts';

/** All objects of the cluster, by their kinds. */
export type Objects = ReadonlyMap<KindRow, readonly Seen[]>;

/** What holds of each object, found out from scratch: whether its present form is accepted and everything that it names is there. */
export function truths(objects: Objects): { row: KindRow; raw: Seen; isHealthy: boolean }[] {
  const state = new ClusterState(KINDS);
  const all = [...objects].flatMap(([row, raws]) => raws.map((raw) => ({ row, raw, parsed: row.parse(raw) })));
  for (const { row, parsed } of all) {
    if (parsed.model !== null) state.apply(row, parsed.model, parsed.model.meta!);
  }
  return all
    .filter(({ row }) => row.status.form !== 'none')
    .map(({ row, raw, parsed: { model } }) => ({
      row,
      raw,
      isHealthy: raw.metadata?.deletionTimestamp === undefined && model !== null && holds(row, raw, model, state),
    }));
}

function holds({ status }: KindRow, raw: Seen, model: Model, state: ClusterState): boolean {
  switch (status.form) {
    case 'conditions':
      return status.assess(state, model).verdict.outcome === 'ready';
    case 'parents':
      return status
        .assess(state, model)
        .every((parent) => parent.accepted.ok && parent.resolvedRefs.ok && parent.partiallyInvalid === null);
    default:
      // The Mesh: its issuer is there, or it is not.
      return !JSON.stringify(raw.spec ?? {}).includes('not-there');
  }
}
