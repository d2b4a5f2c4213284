import { KINDS } from '../../../crds/kinds/registry.ts';
import type { KindRow } from '../../../crds/kinds/row.ts';

/** Lists that are read of the API server beside those of `crds/kinds/registry.ts`. */
const LISTS = {
  nodes: '/api/v1/nodes',
  /** Kubelets renew theirs every ten seconds, by their own clock. */
  nodeLeases: '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
  mutatingWebhooks: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  validatingWebhooks: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  networkPolicies: '/apis/networking.k8s.io/v1/networkpolicies',
  apiServices: '/apis/apiregistration.k8s.io/v1/apiservices',
} as const;

/** What is read of the cluster, by name; `KindRow.id` names all objects of a kind. */
export type ReadName =
  | keyof typeof LISTS
  /** What `weft install` applies, the definitions apart, as the cluster has it. */
  | 'controlPlane'
  /** The same of the definitions, and of those of the Gateway API that are read. */
  | 'definitions'
  /** Where the issuer is kept, and what the webhooks are checked by. */
  | 'secrets'
  /** The ConfigMap that the Mesh says has the trust anchors; none where it says so of none. */
  | 'anchors'
  /** A dry run of the creation of a pod. */
  | 'injection'
  /** A dry run of the creation of an object that must be refused. */
  | 'validation'
  /** What whoever asks may do. */
  | 'rights'
  | (string & {});

/** Names of lists with their paths, of all namespaces. */
export function listPaths(kinds: readonly KindRow[] = KINDS): [name: string, path: string][] {
  return [...Object.entries(LISTS), ...kinds.map((row): [string, string] => [row.id, pathOf(row)])];
}

function pathOf({ group, watched, plural }: KindRow): string {
  return group === '' ? `/api/${watched}/${plural}` : `/apis/${group}/${watched}/${plural}`;
}
