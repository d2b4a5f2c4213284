import { splitOf } from '../../kinds/traffic-split/queries.ts';
import { hasWeight } from '../../kinds/traffic-split/weights.ts';
import { type BackendPort, compileBackend } from './backends.ts';
import type { OutboundPort } from './port.ts';
import type { PolicyTables } from './tables.ts';

interface WeightedPort extends BackendPort {
  weight: number;
}

/** All traffic to one backend; the unit is thousandths. */
const WHOLE = 1_000;

/**
 * Who gets the traffic of a Service of which no route says it: the index of a distribution. A profile's dstOverrides beat a split (a split *is* dstOverrides in
 * Linkerd: linkerd-smi writes them); of several splits the oldest wins. A backend equal to the root means the root's own endpoints: no split is applied again
 * (Argo Rollouts writes such splits). When the weights add up to nothing, the root's own endpoints get everything.
 */
export function compileSplit(root: OutboundPort, tables: PolicyTables): number {
  const shares = overrideShares(root) ?? splitShares(root) ?? [];
  const own: WeightedPort = { ...root.name, port: root.port.port, weight: WHOLE };
  return tables.distribution(
    (hasWeight(shares) ? shares : [own]).map(({ weight, ...backend }) => {
      return { backend: tables.backend(compileBackend(root, backend)), weight, filters: [] };
    }),
  );
}

function overrideShares({ profile, port }: OutboundPort): WeightedPort[] | null {
  if (profile === null || profile.dstOverrides.length === 0) return null;
  return profile.dstOverrides.map(({ namespace, service, port: written, weight }) => {
    return { namespace, service, port: written === 0 ? port.port : written, weight };
  });
}

function splitShares({ view, name, port }: OutboundPort): WeightedPort[] | null {
  const split = splitOf(view, name.namespace, name.service);
  if (split === null) return null;
  return split.backends.map(({ service, weight }) => {
    return { namespace: name.namespace, service, port: port.port, weight };
  });
}
