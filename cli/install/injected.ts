import { CONTROL_PLANE_LABEL, CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import type { Api } from './api.ts';
import type { KubeObject } from './object.ts';

/** What of a pod is looked at. */
export interface InjectedPod {
  metadata: { name: string; namespace?: string };
  status?: { phase?: string };
}

/** More names than anybody reads help nobody. */
const MAX_NAMED = 20;

/** Pods that have a proxy of this control plane and have not ended, as `<namespace>/<name>`. */
export async function injectedPods(api: Pick<Api, 'list'>): Promise<string[]> {
  const pods = await api.list('v1', 'Pod', `${CONTROL_PLANE_LABEL}=${CONTROL_PLANE_NAMESPACE}`);
  return namesOf(pods as (KubeObject & InjectedPod)[]);
}

export function namesOf(pods: readonly InjectedPod[]): string[] {
  const living = pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  return living.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).toSorted();
}

export function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
