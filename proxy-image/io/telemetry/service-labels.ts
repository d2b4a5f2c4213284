import { DEFAULT_ROUTE, type Meta } from '../../contract/policy/meta.ts';
import type { BackendEntry, ServiceEntry } from '../../core/state/entries.ts';
import { type Labels, renderLabels } from './labels.ts';

type Port = Pick<ServiceEntry, 'namespace' | 'service' | 'port'>;

/** linkerd2-proxy: parent and backend labels of the policy-era families. */
function objectLabels(prefix: 'parent' | 'backend', { namespace, service, port }: Port): Labels {
  return [
    [`${prefix}_group`, 'core'],
    [`${prefix}_kind`, 'Service'],
    [`${prefix}_namespace`, namespace],
    [`${prefix}_name`, service],
    [`${prefix}_port`, String(port)],
    [`${prefix}_section_name`, ''],
  ];
}

export function metaLabels(prefix: 'parent' | 'backend', { namespace, name: service, port }: Meta): Labels {
  return objectLabels(prefix, { namespace, service, port });
}

/** `meta`: of the route. */
export function routeLabelsOf(entry: Port, { group, kind, namespace, name }: Meta): string {
  return renderLabels([
    ...objectLabels('parent', entry),
    ['route_group', group],
    ['route_kind', kind],
    ['route_namespace', namespace],
    ['route_name', name],
  ]);
}

export function backendLabels(entry: Port, { meta }: Pick<BackendEntry, 'meta'>): string {
  const { namespace, name: service, port } = meta;
  return renderLabels([...objectLabels('parent', entry), ...objectLabels('backend', { namespace, service, port })]);
}

/** The route is what Linkerd's control plane makes of a Service that has no route of its own. */
export function serviceRouteLabels(entry: Port): string {
  return routeLabelsOf(entry, DEFAULT_ROUTE);
}
