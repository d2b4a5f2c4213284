import type { AddressFamily } from '../../../proxy-image/contract/keys.ts';
import type { ServiceTraffic } from '../../annotations/traffic.ts';
import type { MeshModel } from '../../kinds/mesh/model.ts';
import type { ServiceName, ServicePort } from '../../kinds/service/authority.ts';
import type { ServiceModel } from '../../kinds/service/model.ts';
import type { ServiceProfileModel } from '../../kinds/service-profile/model.ts';
import type { ClusterView } from '../../state/view.ts';

/** The Service port that a policy is for, with what is known of it before any rule is. */
export interface OutboundPort {
  readonly view: ClusterView;
  readonly mesh: MeshModel;
  readonly service: ServiceModel;
  readonly name: ServiceName;
  readonly port: ServicePort;
  /** Of the address that was asked for. */
  readonly family: AddressFamily;
  /** Of the client whose view this is; empty: of those whose namespace has no say. */
  readonly clientNamespace: string;
  /** The profile that holds for these clients. */
  readonly profile: ServiceProfileModel | null;
  /** What the Service's annotations say. */
  readonly traffic: ServiceTraffic;
}
