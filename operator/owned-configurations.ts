import type { MeshModel } from '../crds/kinds/mesh/model.ts';
import type { KindRow } from '../crds/kinds/row.ts';
import { CONTROL_PLANE_SERVICE_ACCOUNT } from '../proxy-image/contract/names.ts';
import { injectorConfiguration, type Owner, validatorConfiguration } from '../webhooks/configurations.ts';
import type { Applier } from './kube/apply.ts';
import { type ResourceType, resourcePath } from './kube/resources.ts';
import type { RestClient } from './kube/rest.ts';
import { type OwnedConfiguration, reconcileConfigurations } from './reconcilers/webhook-configurations.ts';
import { type Clock, withDeadline } from './runtime/clock.ts';
import { Controller } from './runtime/controller.ts';
import { failureOf } from './runtime/errors.ts';
import type { Log } from './runtime/log.ts';
import type { RuntimeMetrics } from './telemetry/runtime-metrics.ts';

const CLUSTER_ROLES: ResourceType = { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterroles' };
const TYPES: Readonly<Record<string, ResourceType>> = {
  MutatingWebhookConfiguration: type('mutatingwebhookconfigurations'),
  ValidatingWebhookConfiguration: type('validatingwebhookconfigurations'),
};
const LOOKUP_TIMEOUT_MS = 10_000;
/** There is one set of configurations, so one key. */
const KEY = 'weft';

function type(plural: string): ResourceType {
  return { group: 'admissionregistration.k8s.io', version: 'v1', plural };
}

export interface OwnedConfigurationsParts {
  /** The validator is asked for those that are to be validated. */
  kinds: readonly KindRow[];
  rest: RestClient;
  applier: Applier;
  mesh: () => MeshModel;
  /** Empty until the webhooks' CA is there. */
  caBundlePem: () => string;
  /** Empty: through the Service. */
  webhookUrl: string;
  metrics: RuntimeMetrics;
  clock: Clock;
  log: Log;
}

/** The webhook configurations, created and kept right by server-side apply, with the CA that the operator made. */
export class OwnedConfigurations {
  readonly controller: Controller;
  readonly #parts: OwnedConfigurationsParts;
  readonly #otherInjectors = new Set<string>();

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
          { wanted: () => this.#wanted(), apply: (each, inner) => this.#apply(each, inner) },
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

  /** Returns whether the set of other injectors is another one now. */
  noteInjector(name: string, present: boolean): boolean {
    if (present === this.#otherInjectors.has(name)) return false;
    if (present) this.#otherInjectors.add(name);
    else this.#otherInjectors.delete(name);
    return true;
  }

  async #wanted(): Promise<readonly OwnedConfiguration[] | null> {
    const { kinds, mesh, caBundlePem, webhookUrl } = this.#parts;
    if (caBundlePem() === '') return null;
    const input = {
      mesh: mesh(),
      caBundlePem: caBundlePem(),
      client: webhookUrl === '' ? ({ type: 'service' } as const) : ({ type: 'url', url: webhookUrl } as const),
      otherInjector: this.#otherInjectors.size > 0,
      owner: await this.#owner(),
    };
    return [injectorConfiguration(input), validatorConfiguration(input, kinds)];
  }

  async #apply(configuration: OwnedConfiguration, signal: AbortSignal): Promise<void> {
    const { kind, metadata, webhooks } = configuration;
    const reference = { type: TYPES[kind]!, kind, namespace: '', name: metadata.name };
    await this.#parts.applier.apply(reference, { metadata, webhooks }, signal);
  }

  /** The operator's ClusterRole, so that uninstalling removes the configurations; null outside a cluster. */
  async #owner(): Promise<Owner | null> {
    const { rest, clock } = this.#parts;
    const path = resourcePath(CLUSTER_ROLES, '', CONTROL_PLANE_SERVICE_ACCOUNT);
    try {
      const role = await withDeadline(clock, LOOKUP_TIMEOUT_MS, new AbortController().signal, (signal) =>
        rest.json<{ metadata: { uid: string } }>({ method: 'GET', path, signal }),
      );
      return {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        name: CONTROL_PLANE_SERVICE_ACCOUNT,
        uid: role.metadata.uid,
      };
    } catch (error) {
      if (failureOf(error) === 'NotFound') return null;
      throw error;
    }
  }
}
