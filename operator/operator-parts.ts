import type { Registry } from 'prom-client';
import type { KindRow } from '../crds/kinds/row.ts';
import { FIELD_MANAGER } from '../proxy-image/contract/names.ts';
import type { OperatorConfig } from './config.ts';
import type { PooledKubeConfig } from './kube/kubeconfig.ts';
import type { OperatorParts } from './kube/operator-base.ts';
import { RestClient, tellingReach } from './kube/rest.ts';
import type { ReplicaStatusOptions } from './replica-status.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import type { RuntimeError } from './runtime/errors.ts';
import type { Log } from './runtime/log.ts';
import { Manager } from './runtime/manager.ts';
import { Reach } from './runtime/reach.ts';
import type { ReflectorTiming } from './runtime/reflector.ts';
import { clientMetrics } from './telemetry/client-metrics.ts';

export interface WeftOperatorOptions {
  config: OperatorConfig;
  kubeConfig: PooledKubeConfig;
  log: Log;
  /** What is watched, validated and assessed; the registry's. */
  kinds?: readonly KindRow[];
  /** Of watches, beyond what the configuration says of them. */
  timing?: Partial<ReflectorTiming>;
  /** Of following other replicas. */
  replicas?: ReplicaStatusOptions['following'];
  /** The system's, where nothing else is said. */
  clock?: Clock;
  /** Leadership is lost, another process may act already: the caller ends this one at once. */
  onLost: (reason: RuntimeError) => void;
}

/** What all of the operator is made with. */
export function partsOf(options: WeftOperatorOptions, registry: Registry): OperatorParts {
  const { config, kubeConfig, log, clock = systemClock } = options;
  const reach = new Reach(clock);
  return {
    config: kubeConfig,
    rest: new RestClient(kubeConfig, tellingReach(clientMetrics(registry), reach)),
    reach,
    timing: timingOf(options),
    manager: new Manager({ clock, log, graceMs: config.shutdownGraceMs }),
    fieldManager: FIELD_MANAGER,
    clock,
    random: Math.random,
    log,
  };
}

export function timingOf({ config, timing }: WeftOperatorOptions): Partial<ReflectorTiming> {
  return { idleTimeoutMs: config.watchIdleTimeoutMs, auditMs: config.auditIntervalMs, ...timing };
}
