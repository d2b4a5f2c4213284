import { CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import type { Api } from './api.ts';
import { type KubeObject, keyOf } from './object.ts';
import type { Installation } from './objects.ts';
import { INSTALLED_KINDS, SELECTOR } from './resources.ts';

/** Where the right to read lies by what an API server is to be known. */
const READERS_NAMESPACE = 'kube-system';

/**
 * Objects with the label of the installation that this version of it does not have: what an earlier version has left. Of the kinds that are installed, in the
 * cluster and in the namespaces that an installation has objects in; what another object owns goes with that one. Definitions stay: with one of them all its objects would go.
 */
export async function leftovers(api: Pick<Api, 'list'>, { controlPlane }: Installation): Promise<KubeObject[]> {
  const wanted = new Set(controlPlane.map(keyOf));
  const found: KubeObject[] = [];
  for (const { apiVersion, kind, namespaced } of INSTALLED_KINDS) {
    const namespaces = namespaced ? [CONTROL_PLANE_NAMESPACE, READERS_NAMESPACE] : [undefined];
    const lists = await Promise.all(namespaces.map((each) => api.list(apiVersion, kind, SELECTOR, each)));
    const objects = lists.flat();
    const isLeft = (object: KubeObject) =>
      !wanted.has(keyOf(object)) && object.metadata['ownerReferences'] === undefined;
    found.push(...objects.filter(isLeft));
  }
  return found;
}
