import { type Identity, OURS } from './object.ts';

/** Where objects of a kind lie, and whether an installation of any version has had some. */
interface Resource {
  plural: string;
  /** Of the cluster, or of a namespace. */
  namespaced: boolean;
  /** Removed by `weft prune` where this version has them no longer. What the operator makes (Secrets, webhook configurations) is not installed, so not pruned. */
  installed: boolean;
}

/** By `apiVersion kind`, in the order in which they are removed: what runs first, then what it may do. */
const RESOURCES: Readonly<Record<string, Resource>> = {
  'apps/v1 Deployment': { plural: 'deployments', namespaced: true, installed: true },
  'policy/v1 PodDisruptionBudget': { plural: 'poddisruptionbudgets', namespaced: true, installed: true },
  'networking.k8s.io/v1 NetworkPolicy': { plural: 'networkpolicies', namespaced: true, installed: true },
  'admissionregistration.k8s.io/v1 MutatingWebhookConfiguration': {
    plural: 'mutatingwebhookconfigurations',
    namespaced: false,
    installed: false,
  },
  'admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration': {
    plural: 'validatingwebhookconfigurations',
    namespaced: false,
    installed: false,
  },
  'apiregistration.k8s.io/v1 APIService': { plural: 'apiservices', namespaced: false, installed: false },
  'coordination.k8s.io/v1 Lease': { plural: 'leases', namespaced: true, installed: false },
  'v1 Service': { plural: 'services', namespaced: true, installed: true },
  'v1 ConfigMap': { plural: 'configmaps', namespaced: true, installed: true },
  'rbac.authorization.k8s.io/v1 RoleBinding': { plural: 'rolebindings', namespaced: true, installed: true },
  'rbac.authorization.k8s.io/v1 Role': { plural: 'roles', namespaced: true, installed: true },
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': {
    plural: 'clusterrolebindings',
    namespaced: false,
    installed: true,
  },
  'rbac.authorization.k8s.io/v1 ClusterRole': { plural: 'clusterroles', namespaced: false, installed: true },
  'v1 ServiceAccount': { plural: 'serviceaccounts', namespaced: true, installed: true },
  'v1 Secret': { plural: 'secrets', namespaced: true, installed: false },
  'v1 Pod': { plural: 'pods', namespaced: true, installed: false },
  'v1 Namespace': { plural: 'namespaces', namespaced: false, installed: false },
  'apiextensions.k8s.io/v1 CustomResourceDefinition': {
    plural: 'customresourcedefinitions',
    namespaced: false,
    installed: false,
  },
};

/** A kind that objects of an installation have. */
export interface InstalledKind {
  apiVersion: string;
  kind: string;
  namespaced: boolean;
}

export const INSTALLED_KINDS: readonly InstalledKind[] = Object.entries(RESOURCES)
  .filter(([, { installed }]) => installed)
  .map(([key, { namespaced }]) => {
    const [apiVersion = '', kind = ''] = key.split(' ');
    return { apiVersion, kind, namespaced };
  });

/** Path of all objects of a kind, or of those of a namespace. */
export function collectionPath(apiVersion: string, kind: string, namespace?: string): string {
  const resource = RESOURCES[`${apiVersion} ${kind}`];
  if (resource === undefined) throw new TypeError(`objects of ${apiVersion} ${kind} are not installed`);
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${resource.plural}`;
}

export function objectPath({ apiVersion, kind, metadata: { namespace, name } }: Identity): string {
  return `${collectionPath(apiVersion, kind, namespace)}/${encodeURIComponent(name)}`;
}

/** The label selector of all that is ours. */
export const SELECTOR = OURS.join('=');
