import { CONTROL_PLANE_SERVICE_ACCOUNT } from '../proxy-image/contract/names.ts';
import type { Owner } from '../webhooks/configurations.ts';
import { type ResourceType, resourcePath } from './kube/resources.ts';
import type { RestClient } from './kube/rest.ts';
import { failureOf } from './runtime/errors.ts';

const CLUSTER_ROLES: ResourceType = { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterroles' };
const LOOKUP_TIMEOUT_MS = 10_000;

export type OwnerLookup = (signal: AbortSignal) => Promise<Owner | null>;

/** The operator's ClusterRole, so that uninstalling removes what the operator has made of the cluster; null outside a cluster. */
export function ownerLookup(rest: RestClient): OwnerLookup {
  const path = resourcePath(CLUSTER_ROLES, '', CONTROL_PLANE_SERVICE_ACCOUNT);
  return async (signal) => {
    try {
      const role = await rest.json<{ metadata: { uid: string } }>({
        method: 'GET',
        path,
        timeoutMs: LOOKUP_TIMEOUT_MS,
        signal,
      });
      return {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        name: CONTROL_PLANE_SERVICE_ACCOUNT,
        uid: role.metadata.uid,
      };
    } catch (error) {
      if (failureOf(error) === 'NotFound') return null;
      throw error;
    }
  };
}
