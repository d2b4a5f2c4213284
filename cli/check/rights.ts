import type { Cluster } from '../cluster/cluster.ts';
import type { KubeObject } from '../install/object.ts';
import type { Installation } from '../install/objects.ts';
import { collectionPath } from '../install/resources.ts';
import type { Right } from './facts/facts.ts';

interface Review {
  status: { allowed: boolean };
}

/** Server-side apply of what is not there yet needs both (Kubernetes: Server-Side Apply, "API implementation"). */
const APPLYING = ['create', 'patch'] as const;

/** Whether whoever asks may install: the API server answers that for anybody (SelfSubjectAccessReview). */
export function askRights(cluster: Cluster, { definitions, controlPlane }: Installation): Promise<Right[]> {
  const targets = new Map([...definitions, ...controlPlane].map((object) => [targetKey(object), object]));
  const asked = [...targets.values()].flatMap((object) => APPLYING.map((verb) => ask(cluster, verb, object)));
  return Promise.all(asked);
}

function targetKey({ apiVersion, kind, metadata: { namespace = '' } }: KubeObject): string {
  return `${apiVersion} ${kind} ${namespace}`;
}

async function ask(cluster: Cluster, verb: string, { apiVersion, kind, metadata }: KubeObject): Promise<Right> {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const path = collectionPath(apiVersion, kind);
  const resource = path.slice(path.lastIndexOf('/') + 1);
  const { namespace = '' } = metadata;
  const { status } = await cluster.request<Review>({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb, group, resource, namespace } },
    },
  });
  return { verb, group, resource, namespace, allowed: status.allowed };
}
