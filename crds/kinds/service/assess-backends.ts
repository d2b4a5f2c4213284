import type { ClusterView } from '../../state/view.ts';
import { type Assessment, waiting } from '../assessment.ts';
import { endpointSlicesOf } from '../endpoint-slice/queries.ts';
import { tcpPort } from './authority.ts';
import type { ServiceModel } from './model.ts';
import { serviceOf } from './queries.ts';

export interface AssessedBackend {
  namespace: string;
  service: string;
  /** Ports that the backend must have. */
  ports: readonly number[];
  weight: number;
}

/** Why some share of the traffic fails, or `null`. Missing Services are named before missing ports, and those before missing endpoints. */
export function assessBackends(view: ClusterView, backends: readonly AssessedBackend[]): Assessment | null {
  const missing = backends.filter((backend) => usable(view, backend) === null);
  if (missing.length > 0) {
    return waiting(
      'BackendNotFound',
      missing.map((backend) => `Service ${nameOf(backend)} does not exist or is ExternalName`),
    );
  }
  const portless = backends.flatMap((backend) => missingPorts(view, backend));
  if (portless.length > 0) return waiting('BackendPortNotFound', portless);
  const empty = backends.filter((backend) => backend.weight > 0 && !hasEndpoints(view, backend));
  if (empty.length === 0) return null;
  return waiting(
    'BackendWithoutEndpoints',
    empty.map((backend) => `Service ${nameOf(backend)} has no ready endpoint`),
  );
}

function usable(view: ClusterView, { namespace, service }: AssessedBackend): ServiceModel | null {
  const found = serviceOf(view, namespace, service);
  return found === null || found.type === 'ExternalName' ? null : found;
}

function missingPorts(view: ClusterView, backend: AssessedBackend): string[] {
  const service = usable(view, backend);
  if (service === null) return [];
  return backend.ports
    .filter((port) => tcpPort(service, port) === null)
    .map((port) => `Service ${nameOf(backend)} has no TCP port ${port}`);
}

/** Endpoints that are draining count: they still get traffic while there are no others. */
function hasEndpoints(view: ClusterView, { namespace, service }: AssessedBackend): boolean {
  return endpointSlicesOf(view, namespace, service).some(({ addressType, endpoints }) => {
    return addressType !== 'FQDN' && endpoints.some((each) => (each.terminating ? each.serving : each.ready));
  });
}

function nameOf({ namespace, service }: AssessedBackend): string {
  return `${namespace}/${service}`;
}

export function tcpPorts(service: ServiceModel): number[] {
  return service.ports.filter(({ protocol }) => protocol === 'TCP').map(({ port }) => port);
}
