import type { EndpointSliceModel } from '../kinds/endpoint-slice/model.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import type { NamespaceModel } from '../kinds/namespace/model.ts';
import type { PodModel } from '../kinds/pod/model.ts';
import type { ServerModel } from '../kinds/server/model.ts';
import type { ServerAuthorizationModel } from '../kinds/server-authorization/model.ts';
import type { ServiceModel } from '../kinds/service/model.ts';
import type { ServiceProfileModel } from '../kinds/service-profile/model.ts';
import type { TrafficSplitModel } from '../kinds/traffic-split/model.ts';

/**
 * What the compiler may ask. Every lookup is one *read*; a recording view notes the reads of a compilation, so that a change of an object
 * recompiles exactly the resources that read it (see `ReadKey`). Lists come in a deterministic order: creationTimestamp, then name.
 */
export interface ClusterView {
  mesh(): MeshModel;
  /** `null` until the bundle is known. */
  trust(): TrustModel | null;
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
  /** Valid splits whose root is `service`; the first takes effect. */
  splits(namespace: string, service: string): readonly TrafficSplitModel[];
  /** Servers of `namespace` whose podSelector matches `labels`, whatever their port. */
  serversSelecting(namespace: string, labels: Labels): readonly ServerModel[];
  /** ServerAuthorizations that name or select `server`. */
  authorizationsFor(server: ServerModel): readonly ServerAuthorizationModel[];
  /** Services of `namespace` whose selector is not empty and matches `labels`. */
  servicesSelecting(namespace: string, labels: Labels): readonly ServiceModel[];

  /** Whole namespaces, for the assessment of objects only: a compilation that read one of these would be repeated with every change in the namespace. */
  servers(namespace: string): readonly ServerModel[];
  pods(namespace: string): readonly PodModel[];
}

export type Labels = Readonly<Record<string, string>>;

/** The trust bundle; it comes from the operator's own Secrets, or from the environment in direct mode. */
export interface TrustModel {
  anchorsPem: string;
  resourceVersion: string;
}

/** Text that names a read, such as `service/emojivoto/web`, `podByIp/10.1.2.3`, `splits/emojivoto/web`, `mesh`; written by `reads.ts` only. */
export type ReadKey = string;
