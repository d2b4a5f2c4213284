import type { MeshModel } from '../mesh/model.ts';
import type { ServiceModel } from './model.ts';

export interface ServiceName {
  namespace: string;
  service: string;
}

export type ServicePort = ServiceModel['ports'][number];

/** `<service>.<namespace>.svc.<clusterDomain>`: how profiles are named, and with a port how metrics name a destination. */
export function serviceFqdn(name: ServiceName, mesh: MeshModel): string {
  return `${name.service}.${name.namespace}.svc.${mesh.clusterDomain}`;
}

export function serviceAuthority(name: ServiceName, port: number, mesh: MeshModel): string {
  return `${serviceFqdn(name, mesh)}:${port}`;
}

export function nameOf(service: ServiceModel): ServiceName {
  return { namespace: service.meta.namespace, service: service.meta.name };
}

/** Only TCP is meshed: a UDP port of the same number is another thing. */
export function tcpPort(service: ServiceModel, port: number): ServicePort | null {
  return service.ports.find((each) => each.port === port && each.protocol === 'TCP') ?? null;
}

/** Why nothing can be sent to a port of a Service, behind its name; or `null`. */
export function backendProblem(service: ServiceModel | null, port: number): string | null {
  if (service === null) return 'does not exist';
  if (service.type === 'ExternalName') return 'is of type ExternalName';
  return tcpPort(service, port) === null ? `has no TCP port ${port}` : null;
}
