/** Names a kind of the API well enough to build its paths. */
export interface ResourceType {
  /** Empty for the core group. */
  group: string;
  version: string;
  plural: string;
}

/** What leaders are elected by. */
export const LEASES: ResourceType = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };

export function apiVersionOf({ group, version }: ResourceType): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `/apis/<group>/<version>[/namespaces/<namespace>]/<plural>[/<name>]`; every part is escaped. */
export function resourcePath(type: ResourceType, namespace = '', name = ''): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const object = name === '' ? '' : `/${encodeURIComponent(name)}`;
  return `${root}${scope}/${type.plural}${object}`;
}
