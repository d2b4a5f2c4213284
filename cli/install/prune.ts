import { CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import type { Api } from './api.ts';
import { type KubeObject, keyOf } from './object.ts';
import type { Installation } from './objects.ts';
import { INSTALLED_KINDS, SELECTOR } from './resources.ts';

/**
 * Objects with the label of the installation that this version of it does not have: what an earlier version has left. Of the kinds that are installed, in the
 * cluster and in the control plane's namespace; what another object owns goes with that one. Definitions stay: with one of them all its objects would go.
 */
export async function leftovers(api: Pick<Api, 'list'>, { controlPlane }: Installation): Promise<KubeObject[]> {
  const wanted = new Set(controlPlane.map(keyOf));
  const found: KubeObject[] = [];
  for (const { apiVersion, kind, namespaced } of INSTALLED_KINDS) {
    const objects = await api.list(apiVersion, kind, SELECTOR, namespaced ? CONTROL_PLANE_NAMESPACE : undefined);
    const isLeft = (object: KubeObject) =>
      !wanted.has(keyOf(object)) && object.metadata['ownerReferences'] === undefined;
    found.push(...objects.filter(isLeft));
  }
  return found;
}
