import type {
  ForbiddenDestination,
  PodDestination,
  ServiceDestination,
  UnknownDestination,
} from '../../proxy-image/contract/resources.ts';
import { parseTraffic } from '../annotations/traffic.ts';
import { meshOf } from '../kinds/mesh/queries.ts';
import { podByIp } from '../kinds/pod/queries.ts';
import { routesOfService } from '../kinds/route/queries.ts';
import { nameOf, type ServicePort, serviceAuthority, serviceFqdn, tcpPort } from '../kinds/service/authority.ts';
import type { ServiceModel } from '../kinds/service/model.ts';
import { serviceByIp } from '../kinds/service/queries.ts';
import { effectiveProfile } from '../kinds/service-profile/effective.ts';
import { profileOf } from '../kinds/service-profile/queries.ts';
import type { ClusterView } from '../state/view.ts';
import { EndpointCompiler } from './endpoint.ts';
import { addressFamily } from './outbound/backends.ts';
import { compilePolicy } from './outbound/policy.ts';
import { OpaquePorts } from './shared/opaque-ports.ts';
import { addressProtocol, serviceProtocol } from './shared/port-protocol.ts';
import type { Unsourced } from './shared/unsourced.ts';

export interface Address {
  ip: string;
  port: number;
}

type Destination = ServiceDestination | PodDestination | UnknownDestination | ForbiddenDestination;

/**
 * What an original destination is, for clients of one namespace (`''`: for those whose namespace has no say, see `destinationView`).
 * A cluster IP answers as its Service, a pod IP as that pod (so do the addresses of headless Services), everything else is unknown.
 */
export function compileService(view: ClusterView, address: Address, clientNamespace: string): Unsourced<Destination> {
  const service = serviceByIp(view, address.ip);
  if (service === null) return compilePodDestination(view, address) ?? compileUnknown(view, address);
  const port = tcpPort(service, address.port);
  if (port !== null) return compileServiceDestination(view, service, port, address, clientNamespace);
  const { namespace, name } = service.meta;
  return { type: 'forbidden', reason: `Service ${namespace}/${name} has no TCP port ${address.port}` };
}

/**
 * The namespace whose profile, or whose routes, make this destination differ for its clients, or `''` for the view that all others share. A resource depends
 * on its subscriber only through this, so that it is compiled and encoded once for nearly all of them.
 */
export function destinationView(view: ClusterView, address: Address, clientNamespace: string): string {
  const service = serviceByIp(view, address.ip);
  if (service === null || service.meta.namespace === clientNamespace) return '';
  const profile = profileOf(view, clientNamespace, serviceFqdn(nameOf(service), meshOf(view)));
  if (profile !== null) return clientNamespace;
  return routesOfService(view, nameOf(service), clientNamespace).length > 0 ? clientNamespace : '';
}

function compileServiceDestination(
  view: ClusterView,
  service: ServiceModel,
  port: ServicePort,
  address: Address,
  clientNamespace: string,
): Unsourced<ServiceDestination> {
  const mesh = meshOf(view);
  const name = nameOf(service);
  const profile = effectiveProfile(view, mesh, name, clientNamespace);
  const { traffic } = parseTraffic(service.meta.annotations, mesh);
  const opaquePorts = [...(profile?.opaquePorts ?? []), ...new OpaquePorts(view).ofService(service)];
  const family = addressFamily(address.ip);
  const outbound = { view, mesh, service, name, port, family, clientNamespace, profile, traffic };
  return {
    type: 'service',
    namespace: name.namespace,
    service: name.service,
    port: port.port,
    authority: serviceAuthority(name, port.port, mesh),
    policy: compilePolicy(outbound, serviceProtocol(port, opaquePorts)),
  };
}

/** No object has the address, so that only the Mesh's list can say that its port is opaque (Linkerd: default opaque ports). */
function compileUnknown(view: ClusterView, { port }: Address): Unsourced<UnknownDestination> {
  return { type: 'unknown', protocol: addressProtocol(port, new OpaquePorts(view).ofMesh()) };
}

function compilePodDestination(view: ClusterView, { ip, port }: Address): Unsourced<PodDestination> | null {
  const pod = podByIp(view, ip);
  if (pod === null) return null;
  const endpoint = new EndpointCompiler(view).compile({
    address: ip,
    port,
    pod,
    namespace: pod.meta.namespace,
    node: pod.nodeName,
    zone: '',
    hintZones: [],
    labels: {},
  });
  const { namespace, name } = pod.meta;
  return { type: 'pod', namespace, pod: name, protocol: endpoint.protocol, endpoint };
}
