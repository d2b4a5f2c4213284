import { type AddressFamily, formatKey } from '../../proxy-image/contract/keys.ts';
import type { Backend } from '../../proxy-image/contract/resources.ts';
import { endpointSlicesOf } from '../kinds/endpoint-slice/queries.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import { type ServiceName, serviceAuthority, tcpPort } from '../kinds/service/authority.ts';
import type { ServiceModel } from '../kinds/service/model.ts';
import { serviceOf } from '../kinds/service/queries.ts';
import type { ServiceProfileModel } from '../kinds/service-profile/model.ts';
import { splitOf } from '../kinds/traffic-split/queries.ts';
import { hasWeight } from '../kinds/traffic-split/weights.ts';
import type { ClusterView } from '../state/view.ts';

/** The Service port that was asked for, by the family of its address. */
export interface Root extends ServiceName {
  port: number;
  family: AddressFamily;
}

interface Share extends ServiceName {
  port: number;
  weight: number;
}

/** All traffic to one backend; the unit is thousandths. */
const WHOLE = 1_000;

/**
 * Who gets the traffic of a Service. A profile's dstOverrides beat a split (a split *is* dstOverrides in Linkerd: linkerd-smi writes them);
 * of several splits the oldest wins. A backend equal to the root means the root's own endpoints: no split is applied again (Argo Rollouts
 * writes such splits). When the weights add up to nothing, the root's own endpoints get everything.
 */
export function compileBackends(
  view: ClusterView,
  mesh: MeshModel,
  root: Root,
  profile: ServiceProfileModel | null,
): Backend[] {
  const shares = overrideShares(root, profile) ?? splitShares(view, root) ?? [];
  const own: Share = { namespace: root.namespace, service: root.service, port: root.port, weight: WHOLE };
  return (hasWeight(shares) ? shares : [own]).map((share) => toBackend(view, mesh, root, share));
}

function overrideShares(root: Root, profile: ServiceProfileModel | null): Share[] | null {
  if (profile === null || profile.dstOverrides.length === 0) return null;
  return profile.dstOverrides.map(({ namespace, service, port, weight }) => {
    return { namespace, service, port: port === 0 ? root.port : port, weight };
  });
}

function splitShares(view: ClusterView, root: Root): Share[] | null {
  const split = splitOf(view, root.namespace, root.service);
  if (split === null) return null;
  return split.backends.map(({ service, weight }) => {
    return { namespace: root.namespace, service, port: root.port, weight };
  });
}

function toBackend(view: ClusterView, mesh: MeshModel, root: Root, share: Share): Backend {
  const { namespace, service, port, weight } = share;
  const found = serviceOf(view, namespace, service);
  const family = found === null ? root.family : backendFamily(view, found, root.family);
  return {
    authority: serviceAuthority(share, port, mesh),
    service,
    namespace,
    port,
    endpoints: formatKey({ kind: 'endpoints', namespace, service, port, family }),
    weight,
    unavailable: backendProblem(found, port) !== null,
  };
}

/** Why the share of a backend fails, or `null`: hiding it would hide a broken canary. */
export function backendProblem(service: ServiceModel | null, port: number): string | null {
  if (service === null) return 'does not exist';
  if (service.type === 'ExternalName') return 'is of type ExternalName';
  return tcpPort(service, port) === null ? `has no TCP port ${port}` : null;
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
