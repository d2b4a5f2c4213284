import type { PortPolicy } from '../../../proxy-image/contract/resources.ts';
import type { MeshModel } from '../../kinds/mesh/model.ts';
import type { PodModel } from '../../kinds/pod/model.ts';
import { resolvePorts } from '../../kinds/server/selection.ts';
import { nameOf, serviceAuthority } from '../../kinds/service/authority.ts';
import type { ServiceModel } from '../../kinds/service/model.ts';
import { servicesSelecting } from '../../kinds/service/queries.ts';
import { effectiveProfile } from '../../kinds/service-profile/effective.ts';
import type { ClusterView } from '../../state/view.ts';

export type PortProfile = NonNullable<PortPolicy['profile']>;

/**
 * Which routes count on the inbound side, by port of the pod: those of the oldest Service that targets the port and has a profile with
 * routes in its own namespace. A profile in a client's namespace is the client's matter.
 */
export function inboundProfiles(view: ClusterView, mesh: MeshModel, pod: PodModel): Map<number, PortProfile> {
  const profiles = new Map<number, PortProfile>();
  for (const service of servicesSelecting(view, pod.meta.namespace, pod.meta.labels)) {
    for (const [port, profile] of targetedPorts(view, mesh, pod, service)) {
      if (!profiles.has(port)) profiles.set(port, profile);
    }
  }
  return profiles;
}

function targetedPorts(
  view: ClusterView,
  mesh: MeshModel,
  pod: PodModel,
  service: ServiceModel,
): [number, PortProfile][] {
  const routes = effectiveProfile(view, mesh, nameOf(service), '')?.routes ?? [];
  if (routes.length === 0) return [];
  return service.ports
    .filter(({ protocol }) => protocol === 'TCP')
    .flatMap(({ port, targetPort }) => {
      const profile: PortProfile = { dst: serviceAuthority(nameOf(service), port, mesh), routes };
      return resolvePorts(pod, targetPort).map((target): [number, PortProfile] => [target, profile]);
    });
}
