import type { EndpointSliceModel, NamespaceModel, PodModel, ServiceModel } from '../types/kubernetes.ts';
import type {
  MeshModel,
  ServerAuthorizationModel,
  ServerModel,
  ServiceProfileModel,
  TrafficSplitModel,
} from '../types/models.ts';

/**
 * What the compiler may ask. Every lookup is one *read*; a recording view notes the reads of a compilation, so that a change of an object
 * recompiles exactly the resources that read it (see `ReadKey`). Lists come in a deterministic order: creationTimestamp, then name.
 */
export interface ClusterView {
  mesh(): MeshModel;
  namespace(name: string): NamespaceModel | null;
  service(namespace: string, name: string): ServiceModel | null;
  /** The Service that owns a cluster IP. */
  serviceByIp(ip: string): ServiceModel | null;
  endpointSlices(namespace: string, service: string): readonly EndpointSliceModel[];
  pod(namespace: string, name: string): PodModel | null;
  /** Among pending or running pods that are not on the host's network; the youngest where an address is claimed twice. */
  podByIp(ip: string): PodModel | null;
  /** The profile named `name` (an FQDN) in `namespace`. */
  profile(namespace: string, name: string): ServiceProfileModel | null;
  /** Valid splits whose root is `service`. */
  splits(namespace: string, service: string): readonly TrafficSplitModel[];
  servers(namespace: string): readonly ServerModel[];
  serverAuthorizations(namespace: string): readonly ServerAuthorizationModel[];
  /** Services of a namespace (for inbound profiles of a workload). */
  services(namespace: string): readonly ServiceModel[];
}

/** Text that names a read, such as `service/emojivoto/web`, `podByIp/10.1.2.3`, `servers/emojivoto`, `mesh`. */
export type ReadKey = string;
