/** The aggregated API that serves live numbers: group, version, and the kinds of its answers. */
export const VIZ_GROUP = 'viz.weft.dev';
export const VIZ_VERSION = 'v1alpha1';
export const VIZ_API_VERSION: string = `${VIZ_GROUP}/${VIZ_VERSION}`;

/** Resources of the group, as RBAC rules name them. */
export const VIZ_RESOURCES = ['traffic', 'proxies'] as const;
export type VizResource = (typeof VIZ_RESOURCES)[number];

/** Path of a resource: of one namespace, or of the whole cluster where it is `null`. */
export function vizPath(resource: VizResource, namespace: string | null): string {
  const within = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${VIZ_API_VERSION}${within}/${resource}`;
}
