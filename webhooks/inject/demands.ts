import { child, listOf } from '../../crds/parse/metadata.ts';
import { parseQuantity } from '../../crds/scalars/quantity.ts';
import { isObject } from '../../lib/json.ts';
import type { Resources } from './resources.ts';

/** What every container of a namespace must say, or its pod is refused ("failed quota: … must specify"). */
export type Demand = 'requests.cpu' | 'requests.memory' | 'limits.cpu' | 'limits.memory';

/** Names of a quota (`spec.hard`) that make a demand; without a prefix they mean requests (Kubernetes: `pkg/quota/v1/evaluator/core/pods.go`). */
const BY_QUOTA: Readonly<Record<string, Demand>> = {
  cpu: 'requests.cpu',
  memory: 'requests.memory',
  'requests.cpu': 'requests.cpu',
  'requests.memory': 'requests.memory',
  'limits.cpu': 'limits.cpu',
  'limits.memory': 'limits.memory',
};

/** What a proxy gets where it must say something and nobody has said what: several times what an idle one takes (docs/performance.md). */
const AMOUNTS: Readonly<Record<Demand, string>> = {
  'requests.cpu': '100m',
  'requests.memory': '64Mi',
  'limits.cpu': '1',
  'limits.memory': '256Mi',
};

/**
 * What a namespace's ResourceQuotas demand and its LimitRanges do not supply by themselves, in a fixed order.
 * @param quotas lists of objects, unchecked
 */
export function demandsOf(quotas: readonly unknown[], ranges: readonly unknown[]): Demand[] {
  const supplied = new Set(ranges.flatMap((range) => listOf(child(range, 'spec'), 'limits').flatMap(suppliedBy)));
  const demanded = new Set(
    quotas.flatMap((quota) => keysOf(child(child(quota, 'spec'), 'hard')).map((name) => BY_QUOTA[name])),
  );
  return (Object.keys(AMOUNTS) as Demand[]).filter((demand) => demanded.has(demand) && !supplied.has(demand));
}

/** Defaults of a LimitRange (the API server has filled in those that follow from others); a default limit is a default request too. */
function suppliedBy(item: unknown): string[] {
  if (child(item, 'type') !== 'Container') return [];
  const limits = keysOf(child(item, 'default'));
  const requests = [...keysOf(child(item, 'defaultRequest')), ...limits];
  return [...limits.map((name) => `limits.${name}`), ...requests.map((name) => `requests.${name}`)];
}

function keysOf(value: unknown): string[] {
  return isObject(value) ? Object.keys(value) : [];
}

/**
 * The proxy's resources with what its namespace demands.
 * @param spec of a core/v1 Pod, unchecked: one that has resources as a whole meets a quota by these
 */
export function meetDemands(
  own: Resources,
  demands: readonly Demand[],
  spec: unknown,
): { resources: Resources; warnings: string[] } {
  if (demands.length === 0 || child(spec, 'resources') !== undefined) return { resources: own, warnings: [] };
  const requests = { ...own.requests };
  const limits = { ...own.limits };
  const warnings: string[] = [];
  for (const demand of demands) {
    const [kind, resource] = demand.split('.') as ['requests' | 'limits', 'cpu' | 'memory'];
    const given = kind === 'requests' ? (requests[resource] ?? limits[resource]) : limits[resource];
    if (given !== undefined) continue;
    const amount = kind === 'limits' ? larger(AMOUNTS[demand], requests[resource]) : AMOUNTS[demand];
    (kind === 'requests' ? requests : limits)[resource] = amount;
    warnings.push(
      `a ResourceQuota demands ${demand}: the proxy gets ${amount}, which annotations and the Mesh can change`,
    );
  }
  return {
    resources: {
      ...(Object.keys(requests).length > 0 ? { requests } : {}),
      ...(Object.keys(limits).length > 0 ? { limits } : {}),
    },
    warnings,
  };
}

function larger(amount: string, other: string | undefined): string {
  if (other === undefined) return amount;
  const [a, b] = [parseQuantity(amount), parseQuantity(other)];
  return a.ok && b.ok && b.value > a.value ? other : amount;
}
