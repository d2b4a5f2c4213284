import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { child, listOf, textOf } from '../../crds/parse/metadata.ts';
import type { ProxyItem } from '../../crds/viz/proxy-list.ts';
import { ENVIRONMENT } from '../../proxy-image/contract/environment.ts';
import { PROXY_CONTAINER } from '../../proxy-image/contract/names.ts';

/** How a proxy stands with the control plane; what somebody has to look at comes first in `ATTENTION`. */
export type ProxyState = 'current' | 'behind' | 'refused' | 'not connected' | 'direct';

/** A pod with a proxy, and what the control plane says of it. */
export interface ProxyRow {
  namespace: string;
  name: string;
  state: ProxyState;
  /** `null`: it has no connection. */
  proxy: ProxyItem | null;
}

/** States that do not pass by themselves. */
export const ATTENTION: readonly ProxyState[] = ['refused', 'not connected'];

/**
 * Every running pod with a proxy of ours, connected or not. One in direct mode takes its configuration of the API server, and has no connection to be missed.
 * @param pods core/v1, unchecked
 */
export function proxyRows(pods: readonly unknown[], proxies: readonly ProxyItem[]): ProxyRow[] {
  const byName = new Map(proxies.map((proxy) => [`${proxy.metadata.namespace}/${proxy.metadata.name}`, proxy]));
  return pods
    .map((raw) => ({ raw, pod: reducePod(raw) }))
    .filter(({ pod }) => pod.meshed && pod.phase === 'Running' && !pod.terminating)
    .map(({ raw, pod }) => rowOf(raw, pod, byName.get(`${pod.meta.namespace}/${pod.meta.name}`) ?? null))
    .toSorted((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
}

function rowOf(raw: unknown, { meta }: PodModel, proxy: ProxyItem | null): ProxyRow {
  const { namespace, name } = meta;
  return { namespace, name, proxy, state: proxy === null ? stateWithout(raw) : stateOf(proxy) };
}

function stateOf({ behind }: ProxyItem): ProxyState {
  if (behind.some(({ state }) => state === 'refused')) return 'refused';
  return behind.length === 0 ? 'current' : 'behind';
}

function stateWithout(raw: unknown): ProxyState {
  const spec = child(raw, 'spec');
  const containers = [...listOf(spec, 'containers'), ...listOf(spec, 'initContainers')];
  const proxy = containers.find((container) => textOf(container, 'name') === PROXY_CONTAINER);
  const source = listOf(proxy, 'env').find((entry) => textOf(entry, 'name') === ENVIRONMENT.configSource.name);
  return textOf(source, 'value') === 'kubernetes' ? 'direct' : 'not connected';
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
