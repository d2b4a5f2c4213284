import { isDeepStrictEqual } from 'node:util';
import { failureOf } from '../../../operator/runtime/errors.ts';
import { NAMESPACE } from './delivery.ts';
import type { SplitVersion } from './flagger.ts';
import type { Cluster, SeenObject } from './plane.ts';

/** What a Rollout says of its traffic routing by SMI. */
export interface SplitRollout {
  name: string;
  uid: string;
  stable: string;
  canary: string;
  /** The stable Service where it says none. */
  rootService?: string;
}

interface Destination {
  service: string;
  weight: number | string;
}

interface Split extends SeenObject {
  spec: { service: string; backends: Destination[] };
}

/**
 * Argo Rollouts' traffic routing by SMI (argo-rollouts: rollout/trafficrouting/smi/smi.go), of the version that `--traffic-split-api-version` names: a split is
 * created, and then gets merge patches of what differs in its spec. It waits for nothing: `VerifyWeight` says nothing.
 */
export class SplitReconciler {
  /** Every patch that was taken, and the answer. */
  readonly patches: { patch: object; stored: SeenObject }[] = [];
  readonly #cluster: Cluster;
  readonly #rollout: SplitRollout;
  readonly #version: SplitVersion;

  constructor(cluster: Cluster, rollout: SplitRollout, version: SplitVersion) {
    this.#cluster = cluster;
    this.#rollout = rollout;
    this.#version = version;
  }

  get path(): string {
    return `${this.#collection}/${this.#rollout.name}`;
  }

  get #collection(): string {
    return `/apis/split.smi-spec.io/${this.#version}/namespaces/${NAMESPACE}/trafficsplits`;
  }

  /**
   * @param weight percent for the canary
   * @param experiments Services of an experiment that runs, with their percents
   */
  async setWeight(weight: number, experiments: Readonly<Record<string, number>> = {}): Promise<void> {
    const spec = this.#spec(weight, Object.entries(experiments));
    const held = await this.#read();
    if (held === null) return this.#create(spec);
    const { uid } = this.#rollout;
    const owners = (held.metadata.ownerReferences ?? []) as { uid?: string; controller?: boolean }[];
    if (!owners.some((owner) => owner.controller === true && owner.uid === uid)) throw new Error('not its own');
    const changed = Object.entries(spec).filter(([field, value]) => {
      return !isDeepStrictEqual(value, held.spec[field as keyof Split['spec']]);
    });
    if (changed.length === 0) return;
    const patch = { spec: Object.fromEntries(changed) };
    this.patches.push({ patch, stored: await this.#cluster.mergePatch(this.path, patch) });
  }

  /** First the canary, then experiments, then the stable Service with what is left. */
  #spec(weight: number, experiments: readonly (readonly [service: string, weight: number])[]): Split['spec'] {
    const { canary, stable, rootService = stable } = this.#rollout;
    const others = [[canary, weight] as const, ...experiments];
    const left = others.reduce((rest, [, share]) => rest - share, 100);
    const backends = [...others, [stable, left] as const].map(([service, share]) => {
      return { service, weight: this.#version === 'v1alpha1' ? String(share) : share };
    });
    return { service: rootService, backends };
  }

  async #create(spec: Split['spec']): Promise<void> {
    const { name, uid } = this.#rollout;
    const owner = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name, uid };
    const ownerReferences = [{ ...owner, controller: true, blockOwnerDeletion: true }];
    const apiVersion = `split.smi-spec.io/${this.#version}`;
    const metadata = { name, namespace: NAMESPACE, ownerReferences };
    await this.#cluster.create(this.#collection, { apiVersion, kind: 'TrafficSplit', metadata, spec });
  }

  async #read(): Promise<Split | null> {
    try {
      return await this.#cluster.read<Split>(this.path);
    } catch (error) {
      if (failureOf(error) === 'NotFound') return null;
      throw error;
    }
  }
}
