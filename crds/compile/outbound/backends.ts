import { type AddressFamily, formatKey } from '../../../proxy-image/contract/keys.ts';
import type { Backend, Balance } from '../../../proxy-image/contract/policy/backend.ts';
import { BACKEND_MISSING } from '../../../proxy-image/contract/policy/backend.ts';
import { serviceMeta } from '../../../proxy-image/contract/policy/meta.ts';
import { DEFAULT_QUEUE } from '../../../proxy-image/contract/policy/queue.ts';
import { endpointSlicesOf } from '../../kinds/endpoint-slice/queries.ts';
import { backendProblem, type ServiceName, serviceAuthority } from '../../kinds/service/authority.ts';
import type { ServiceModel } from '../../kinds/service/model.ts';
import { serviceOf } from '../../kinds/service/queries.ts';
import type { ClusterView } from '../../state/view.ts';
import type { OutboundPort } from './port.ts';

export interface BackendPort extends ServiceName {
  port: number;
}

/** A Service that some of the traffic to `root` goes to. How its endpoints are chosen among is what the root's annotations say. */
export function compileBackend(root: OutboundPort, backend: BackendPort): Backend {
  const { view, mesh } = root;
  const { namespace, service, port } = backend;
  const found = serviceOf(view, namespace, service);
  // To hide a share that fails would hide a broken canary.
  const missing = backendProblem(found, port) !== null;
  const family = found === null ? root.family : backendFamily(view, found, root.family);
  return {
    meta: serviceMeta(namespace, service, port),
    authority: serviceAuthority(backend, port, mesh),
    dispatch: missing ? BACKEND_MISSING : balanceOf(root, backend, family),
  };
}

function balanceOf({ service: root, traffic }: OutboundPort, backend: BackendPort, family: AddressFamily): Balance {
  const { namespace, service, port } = backend;
  return {
    type: 'balance',
    endpoints: formatKey({ kind: 'endpoints', namespace, service, port, family }),
    balancer: traffic.balancer,
    localTrafficOnly: root.internalTrafficPolicy === 'Local',
    slowStartMs: traffic.slowStartMs,
    breaker: traffic.breaker,
    penalty: traffic.penalty,
    queue: DEFAULT_QUEUE,
  };
}

/** The family that was asked for where the backend has it, else its own: a single-stack canary of a dual-stack Service is legal. */
function backendFamily(view: ClusterView, service: ServiceModel, wanted: AddressFamily): AddressFamily {
  const families = new Set<AddressFamily>(
    service.headless
      ? endpointSlicesOf(view, service.meta.namespace, service.meta.name).flatMap(({ addressType }) =>
          familyOf(addressType),
        )
      : service.clusterIPs.map(addressFamily),
  );
  const [only] = families;
  return families.has(wanted) || only === undefined ? wanted : only;
}

export function addressFamily(ip: string): AddressFamily {
  return ip.includes(':') ? 'ipv6' : 'ipv4';
}

function familyOf(addressType: 'IPv4' | 'IPv6' | 'FQDN'): AddressFamily[] {
  return addressType === 'FQDN' ? [] : [addressType === 'IPv4' ? 'ipv4' : 'ipv6'];
}
