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

export function backendLabels(entry: Port, { meta }: Pick<BackendEntry, 'meta'>): string {
  const { namespace, name: service, port } = meta;
  return renderLabels([...objectLabels('parent', entry), ...objectLabels('backend', { namespace, service, port })]);
}

/** The route is what Linkerd's control plane makes of a Service that has no route of its own. */
export function serviceRouteLabels(entry: Port): string {
  return renderLabels([
    ...objectLabels('parent', entry),
    ['route_group', ''],
    ['route_kind', 'default'],
    ['route_namespace', ''],
    ['route_name', 'http'],
  ]);
}
