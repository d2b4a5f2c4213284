import { type KubeObject, nameOf } from '../../cli/install/object.ts';
import type { Judge } from '../integration/gitops/judge.ts';

/** By which the tools find that something is not as it was applied (hack/gitops/judge). */
export const COMPARISONS = ['argoThreeWay', 'argoServerSide', 'flux'] as const;
export type Comparison = (typeof COMPARISONS)[number];
export type DriftJudge = Judge<{ drift: Record<Comparison, string> }>;

export type Tool = 'argo' | 'flux';
/** Under which the tools apply. */
export const FIELD_MANAGERS: Readonly<Record<Tool, string>> = {
  argo: 'argocd-controller',
  flux: 'kustomize-controller',
};

/** What each tool adds to an object, to know it again. */
export function tracked(object: KubeObject, tool: Tool): KubeObject {
  const { metadata } = object;
  const { name, namespace = '' } = metadata;
  if (tool === 'argo') {
    const id = `platform:${object.apiVersion}/${object.kind}:${namespace}/${name}`;
    const annotations = { ...metadata.annotations, 'argocd.argoproj.io/tracking-id': id };
    return { ...object, metadata: { ...metadata, annotations } };
  }
  const owner = {
    'kustomize.toolkit.fluxcd.io/name': 'platform',
    'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
  };
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, ...owner } } };
}

/** What the tools would change of what is in the cluster, a line for each object and comparison. */
export async function drifts(
  judge: DriftJudge,
  wanted: readonly KubeObject[],
  by: readonly Comparison[] = COMPARISONS,
): Promise<string[]> {
  const found: string[] = [];
  for (const object of wanted) {
    const { drift } = await judge.ask({ argo: tracked(object, 'argo'), flux: tracked(object, 'flux'), by });
    for (const each of by) if (drift[each] !== '') found.push(`${nameOf(object)}, ${each}: ${drift[each]}`);
  }
  return found;
}

const TRACKING = /argocd\.argoproj\.io|kustomize\.toolkit\.fluxcd\.io|helm\.sh|app\.kubernetes\.io\/instance/;

/** Kinds of which the operator makes objects. */
export const MADE_KINDS =
  'secrets,mutatingwebhookconfigurations,validatingwebhookconfigurations,leases,configmaps,apiservices';

/** Of these objects: what the operator has made. */
export function madeByOperator(objects: readonly KubeObject[]): KubeObject[] {
  return objects.filter(
    ({ metadata: { labels = {}, name } }) =>
      labels['app.kubernetes.io/managed-by'] === 'weft-operator' || name.startsWith('weft'),
  );
}

/** Labels and annotations by which the tools would take the object for theirs, and prune it. */
export function trackingKeys({ metadata: { labels = {}, annotations = {} } }: KubeObject): string[] {
  return Object.keys({ ...labels, ...annotations }).filter((key) => TRACKING.test(key));
}
