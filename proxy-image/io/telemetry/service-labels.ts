import { DEFAULT_ROUTE, type Meta } from '../../contract/policy/meta.ts';
import type { BackendEntry, ServiceEntry } from '../../core/state/entries.ts';
import { joinLabels, type Labels, renderLabels } from './labels.ts';

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

/** Of what is called, for what is counted by nothing else. */
export function parentLabels(entry: Port): string {
  return renderLabels(objectLabels('parent', entry));
}

/** Of an address that is no Service's: `name` says what it is instead. */
export function defaultParentLabels(name: string, port: number): string {
  const labels = { group: '', kind: 'default', namespace: '', name, port, section_name: '' };
  return renderLabels(Object.entries(labels).map(([key, value]) => [`parent_${key}`, String(value)]));
}

export function routeLabels({ group, kind, namespace, name }: Meta): string {
  return renderLabels([
    ['route_group', group],
    ['route_kind', kind],
    ['route_namespace', namespace],
    ['route_name', name],
  ]);
}

export function routeLabelsOf(entry: Port, route: Meta): string {
  return joinLabels(parentLabels(entry), routeLabels(route));
}

export function backendLabels(entry: Port, { meta }: Pick<BackendEntry, 'meta'>): string {
  const { namespace, name: service, port } = meta;
  return renderLabels([...objectLabels('parent', entry), ...objectLabels('backend', { namespace, service, port })]);
}

/** The route is what Linkerd's control plane makes of a Service that has no route of its own. */
export function serviceRouteLabels(entry: Port): string {
  return routeLabelsOf(entry, DEFAULT_ROUTE);
}
