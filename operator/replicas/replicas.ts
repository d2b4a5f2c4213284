import type { EndpointSliceModel } from '../../crds/kinds/endpoint-slice/model.ts';
import { endpointSlicesOf } from '../../crds/kinds/endpoint-slice/queries.ts';
import type { ClusterState } from '../../crds/state/cluster-state.ts';
import { CONFIG_PORT_NAME, CONTROL_PLANE_SERVICE, VIZ_PORT_NAME } from '../../proxy-image/contract/names.ts';
import type { OtherReplica } from '../viz/api/replica-client.ts';
import type { FollowedReplica } from './follow.ts';

export interface ReplicasOptions {
  state: ClusterState;
  /** Of the operator's Service. */
  namespace: string;
  /** Of this replica. */
  podName: string;
  /** Where an address of the cluster is reached, for those who ask one another; as it is, where nothing else is said. */
  addressOf?: ((address: string) => string) | undefined;
}

/** The replicas of the operator, by the endpoints of its Service. Outside a cluster there is no Service, and one replica. */
export class Replicas {
  readonly #options: ReplicasOptions;

  constructor(options: ReplicasOptions) {
    this.#options = options;
  }

  /** Replicas that are ready, this one at least. */
  get ready(): number {
    return Math.max(1, this.#pods(({ ready }) => ready).size);
  }

  /** Those that the Service leads proxies to, or has led them to, beside this one. One that is ending may have proxies still. */
  get followed(): FollowedReplica[] {
    const { podName } = this.#options;
    const followed = new Map<string, FollowedReplica>();
    for (const { ports, endpoints } of this.#slices) {
      const port = ports.find(({ name }) => name === CONFIG_PORT_NAME)?.port;
      if (port === undefined) continue;
      for (const { targetPod: name, addresses, ready, terminating } of endpoints) {
        const [address] = addresses;
        if (address === undefined || name === '' || name === podName || followed.has(name)) continue;
        followed.set(name, { name, address, port, ready, terminating });
      }
    }
    return [...followed.values()];
  }

  /** There is a Service, in whose endpoints replicas are to be found. */
  get areKnown(): boolean {
    return this.#slices.length > 0;
  }

  /** Those that proxies may be connected to, beside this one, with the port by which replicas ask one another. */
  get others(): OtherReplica[] {
    const { podName, addressOf = (address) => address } = this.#options;
    const others = new Map<string, OtherReplica>();
    for (const { ports, endpoints } of this.#slices) {
      // Roles that have neither port have no proxies, and no numbers.
      if (!ports.some(({ name }) => name === CONFIG_PORT_NAME || name === VIZ_PORT_NAME)) continue;
      const port = ports.find(({ name }) => name === VIZ_PORT_NAME)?.port ?? null;
      for (const { targetPod: name, addresses, ready, terminating } of endpoints) {
        const [address] = addresses;
        // One that is ending takes the numbers of its proxies with it, and they are with others already.
        if (address === undefined || terminating || name === podName) continue;
        // A pod has an endpoint in more than one slice: for each family of addresses, and for ports that not all pods have.
        if (port !== null || !others.has(name)) others.set(name, { name, address: addressOf(address), port, ready });
      }
    }
    return [...others.values()];
  }

  get #slices(): readonly EndpointSliceModel[] {
    const { state, namespace } = this.#options;
    return endpointSlicesOf(state, namespace, CONTROL_PLANE_SERVICE);
  }

  #pods(wanted: (endpoint: { ready: boolean }) => boolean): Set<string> {
    return new Set(this.#slices.flatMap(({ endpoints }) => endpoints.filter(wanted).map(({ targetPod }) => targetPod)));
  }
}
