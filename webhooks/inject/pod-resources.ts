import { child, listOf, textOf } from '../../crds/parse/metadata.ts';
import { parseQuantity } from '../../crds/scalars/quantity.ts';
import type { Resources } from './resources.ts';

/** What resources of the pod as a whole may be about (KEP-2837). */
const POD_LEVEL = ['cpu', 'memory'] as const;

/**
 * The proxy's resources in a pod that has resources as a whole (`spec.resources`). The API server refuses containers that together request more than the pod,
 * and a container whose limit is above the pod's: what does not fit is left out, and the pod's own budget holds for the proxy too.
 * @param spec of a core/v1 Pod, unchecked
 */
export function fitIntoPod(own: Resources, spec: unknown): { resources: Resources; warnings: string[] } {
  const whole = child(spec, 'resources');
  const requests = { ...own.requests };
  const limits = { ...own.limits };
  const warnings: string[] = [];
  for (const resource of POD_LEVEL) {
    const wanted = requests[resource] ?? limits[resource];
    if (wanted === undefined || fits(spec, whole, resource, wanted, limits[resource])) continue;
    delete requests[resource];
    delete limits[resource];
    warnings.push(
      `${resource} of the proxy (${wanted}) is left out: it does not fit into resources of the pod as a whole`,
    );
  }
  if (warnings.length === 0) return { resources: own, warnings };
  return {
    resources: {
      ...(Object.keys(requests).length > 0 ? { requests } : {}),
      ...(Object.keys(limits).length > 0 ? { limits } : {}),
    },
    warnings,
  };
}

function fits(spec: unknown, whole: unknown, resource: string, wanted: string, limit: string | undefined): boolean {
  const podRequest = amountOf(child(whole, 'requests'), resource);
  const podLimit = amountOf(child(whole, 'limits'), resource);
  if (limit !== undefined && podLimit !== null && (thousandths(limit) ?? 0) > podLimit) return false;
  const room = podRequest ?? podLimit;
  return room === null || requestedTogether(spec, resource) + (thousandths(wanted) ?? 0) <= room;
}

/** As Kubernetes adds them up: containers and sidecars run together, an init container beside the sidecars only. */
function requestedTogether(spec: unknown, resource: string): number {
  const requestOf = (container: unknown): number => {
    const resources = child(container, 'resources');
    return amountOf(child(resources, 'requests'), resource) ?? amountOf(child(resources, 'limits'), resource) ?? 0;
  };
  const initContainers = listOf(spec, 'initContainers');
  const isSidecar = (container: unknown) => textOf(container, 'restartPolicy') === 'Always';
  const sidecars = total(initContainers.filter(isSidecar).map(requestOf));
  const passing = initContainers.filter((container) => !isSidecar(container)).map(requestOf);
  return sidecars + Math.max(total(listOf(spec, 'containers').map(requestOf)), ...passing);
}

function total(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}

function amountOf(amounts: unknown, resource: string): number | null {
  const value = child(amounts, resource);
  return value === undefined ? null : thousandths(value);
}

function thousandths(quantity: unknown): number | null {
  const parsed = parseQuantity(quantity);
  return parsed.ok ? parsed.value : null;
}
