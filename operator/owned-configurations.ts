import type { MeshModel } from '../crds/kinds/mesh/model.ts';
import type { KindRow } from '../crds/kinds/row.ts';
import { readWrittenAt } from '../crds/parse/kubernetes-object.ts';
import { INJECTOR_CONFIGURATION, injectorConfiguration, validatorConfiguration } from '../webhooks/configurations.ts';
import type { Injector } from '../webhooks/inject/lack.ts';
import { isOtherInjector } from '../webhooks/inject/other-injectors.ts';
import { injectorReach } from '../webhooks/inject/reach.ts';
import type { Kept } from './kube/kept.ts';
import type { ResourceType } from './kube/resources.ts';
import type { OwnerLookup } from './owner.ts';
import { type OwnedConfiguration, reconcileConfigurations } from './reconcilers/webhook-configurations.ts';
import type { Clock } from './runtime/clock.ts';
import { Controller } from './runtime/controller.ts';
import type { Log } from './runtime/log.ts';
import type { RuntimeMetrics } from './telemetry/runtime-metrics.ts';

const TYPES: Readonly<Record<string, ResourceType>> = {
  MutatingWebhookConfiguration: type('mutatingwebhookconfigurations'),
  ValidatingWebhookConfiguration: type('validatingwebhookconfigurations'),
};
/** There is one set of configurations, so one key. */
const KEY = 'weft';

function type(plural: string): ResourceType {
  return { group: 'admissionregistration.k8s.io', version: 'v1', plural };
}

export interface OwnedConfigurationsParts {
  /** The validator is asked for those that are to be validated. */
  kinds: readonly KindRow[];
  owner: OwnerLookup;
  kept: Kept;
  mesh: () => MeshModel;
  /** Empty until the webhooks' CA is there. */
  caBundlePem: () => string;
  /** Empty: through the Service. */
  webhookUrl: string;
  metrics: RuntimeMetrics;
  clock: Clock;
  log: Log;
}

/** The webhook configurations, created and kept right, with the CA that the operator made. */
export class OwnedConfigurations {
  readonly controller: Controller;
  readonly #parts: OwnedConfigurationsParts;
  readonly #otherInjectors = new Set<string>();
  /** Of our injector's; as `Injector`. */
  #writtenAt = '';

  constructor(parts: OwnedConfigurationsParts) {
    const { clock, log, metrics } = parts;
    this.#parts = parts;
    const name = 'webhookconfiguration';
    this.controller = new Controller({
      name,
      clock,
      log,
      reconcile: (_, signal) =>
        reconcileConfigurations(
          { wanted: () => this.#wanted(signal), apply: (each, inner) => this.#apply(each, inner) },
          signal,
        ),
      ...metrics.observersFor(name),
    });
    metrics.watch(this.controller);
    this.changed();
  }

  /** Mesh, CA or a configuration in the cluster has changed. */
  changed(): void {
    this.controller.queue.add(KEY);
  }

  get otherInjectors(): string[] {
    return [...this.#otherInjectors].toSorted();
  }

  /** Our own, as API servers ask it. */
  get injector(): Injector {
    return { reach: injectorReach(this.#parts.mesh(), this.#otherInjectors.size > 0), writtenAt: this.#writtenAt };
  }

  /**
   * Returns whether the set of other injectors is another one now.
   * @param configuration MutatingWebhookConfiguration, unchecked; `undefined`: it was deleted
   */
  noteInjector(name: string, configuration: unknown): boolean {
    if (name === INJECTOR_CONFIGURATION) this.#writtenAt = readWrittenAt(configuration);
    const present = isOtherInjector(configuration);
    if (present === this.#otherInjectors.has(name)) return false;
    if (present) this.#otherInjectors.add(name);
    else this.#otherInjectors.delete(name);
    return true;
  }

  async #wanted(signal: AbortSignal): Promise<readonly OwnedConfiguration[] | null> {
    const { kinds, mesh, caBundlePem, webhookUrl } = this.#parts;
    if (caBundlePem() === '') return null;
    const input = {
      mesh: mesh(),
      caBundlePem: caBundlePem(),
      client: webhookUrl === '' ? ({ type: 'service' } as const) : ({ type: 'url', url: webhookUrl } as const),
      otherInjector: this.#otherInjectors.size > 0,
      owner: await this.#parts.owner(signal),
    };
    return [injectorConfiguration(input), validatorConfiguration(input, kinds)];
  }

  async #apply(configuration: OwnedConfiguration, signal: AbortSignal): Promise<void> {
    const { kind, metadata, webhooks } = configuration;
    const reference = { type: TYPES[kind]!, kind, namespace: '', name: metadata.name };
    const { kept } = this.#parts;
    await kept.keep(reference, { metadata, webhooks }, await kept.find(reference, signal), signal);
  }
}
