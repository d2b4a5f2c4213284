import { endpointSlicesOf } from '../../crds/kinds/endpoint-slice/queries.ts';
import type { ClusterState } from '../../crds/state/cluster-state.ts';
import { CONTROL_PLANE_SERVICE, VIZ_PORT_NAME } from '../../proxy-image/contract/names.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { OtherReplica } from '../viz/api/replica-client.ts';

/** A rollout has two replicas for seconds: the statuses of thousands of objects are not written twice for that. */
const SETTLE_MS = 30_000;

export interface ReplicasOptions {
  state: ClusterState;
  /** Of the operator's Service. */
  namespace: string;
  /** Of this replica. */
  podName: string;
  /** False: this process has not the role `config`, so that no proxy is connected to it. */
  servesProxies: boolean;
  clock: Clock;
  /** What was said of proxies on every object is to be looked at again. */
  changed: () => void;
}

/**
 * The replicas of the operator, by the endpoints of its Service, and what this one cannot see because of the others: a proxy is connected to one replica,
 * and only that one knows whether it has acknowledged. Outside a cluster there is no Service, and one replica.
 */
export class Replicas {
  readonly #options: ReplicasOptions;
  #told: string;
  #timer: Timer | null = null;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#told = this.unseen;
  }

  /** Replicas that are ready, this one at least. */
  get ready(): number {
    return Math.max(1, this.#pods(({ ready }) => ready).size);
  }

  /** Why some proxies cannot be seen from here, as a sentence; empty when all can. A replica that is not ready may have proxies all the same. */
  get unseen(): string {
    const { servesProxies, podName } = this.#options;
    if (!servesProxies) return 'proxies are connected to other operator replicas, whose view is not shared';
    const others = [...this.#pods(() => true)].filter((name) => name !== podName);
    if (others.length === 0) return '';
    const replicas = others.length === 1 ? 'replica' : 'replicas';
    return `${others.length} other operator ${replicas} may have proxies, whose state is not known here`;
  }

  /** Those that proxies may be connected to, beside this one, with the port by which replicas ask one another. */
  get others(): OtherReplica[] {
    const { state, namespace, podName } = this.#options;
    const others = new Map<string, OtherReplica>();
    for (const { ports, endpoints } of endpointSlicesOf(state, namespace, CONTROL_PLANE_SERVICE)) {
      const port = ports.find(({ name }) => name === VIZ_PORT_NAME)?.port ?? null;
      for (const { targetPod: name, addresses, ready, terminating } of endpoints) {
        const [address] = addresses;
        // One that is ending takes the numbers of its proxies with it, and they are with others already.
        if (address === undefined || terminating || name === podName) continue;
        // A pod has an endpoint in more than one slice: for each family of addresses, and for ports that not all pods have.
        if (port !== null || !others.has(name)) others.set(name, { name, address, port, ready });
      }
    }
    return [...others.values()];
  }

  /** The endpoints of the Service may be others now. */
  endpointsChanged(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.unseen === this.#told) return;
    if (this.unseen === '') this.#tell();
    else this.#timer = this.#options.clock.schedule(SETTLE_MS, () => this.#tell());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #tell(): void {
    this.#told = this.unseen;
    this.#options.changed();
  }

  #pods(wanted: (endpoint: { ready: boolean }) => boolean): Set<string> {
    const { state, namespace } = this.#options;
    const slices = endpointSlicesOf(state, namespace, CONTROL_PLANE_SERVICE);
    return new Set(slices.flatMap(({ endpoints }) => endpoints.filter(wanted).map(({ targetPod }) => targetPod)));
  }
}
