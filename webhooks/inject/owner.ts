import { child, listOf, textOf } from '../../crds/parse/metadata.ts';

/** A controlling owner as an object names it. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
}

/** The controlling owner of any object, unchecked; `null` where it has none. Whoever creates an object can write what they like into it. */
export function controllerOf(object: unknown): OwnerReference | null {
  const owners = listOf(child(object, 'metadata'), 'ownerReferences');
  const owner = owners.find((candidate) => child(candidate, 'controller') === true);
  if (owner === undefined) return null;
  return {
    apiVersion: textOf(owner, 'apiVersion'),
    kind: textOf(owner, 'kind'),
    name: textOf(owner, 'name'),
    uid: textOf(owner, 'uid'),
  };
}
