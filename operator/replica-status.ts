import type { KindRow } from '../crds/kinds/row.ts';
import type { ClusterState } from '../crds/state/cluster-state.ts';
import type { Random } from '../lib/clock.ts';
import type { Certificates } from './certificates.ts';
import type { OperatorConfig } from './config.ts';
import { Reporting } from './replicas/followers.ts';
import { Mover } from './replicas/mover.ts';
import { BALANCE_TIMING, type BalanceTiming, Rebalancing } from './replicas/rebalancing.ts';
import { Replicas } from './replicas/replicas.ts';
import { ReplicaReports, type ReplicaReportsOptions } from './replicas/reports.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { replicaMetrics } from './telemetry/replica-metrics.ts';

/** Otherwise than usual: replicas of a test share an address, and have less time. */
export type Following = Pick<ReplicaReportsOptions, 'addressOf' | 'timing'> & { balance?: BalanceTiming };

export interface ReplicaStatusOptions extends Pick<ReplicaReportsOptions, 'own' | 'progressed' | 'visibilityChanged'> {
  following?: Following | undefined;
  config: Pick<OperatorConfig, 'namespace' | 'podName' | 'roles'>;
  kinds: readonly KindRow[];
  state: ClusterState;
  certificates: Certificates;
  metrics: ReturnType<typeof replicaMetrics>;
  /** Of connections to the configuration stream. */
  refused(code: string): void;
  clock: Clock;
  random: Random;
  log: Log;
}

/** The replicas of the operator: what there is of them, what this one reports to the leader, and, where it leads, what all report to it. */
export class ReplicaStatus {
  readonly replicas: Replicas;
  readonly reporting: Reporting;
  readonly reports: ReplicaReports;
  readonly rebalancing: Rebalancing;

  constructor(options: ReplicaStatusOptions) {
    const { config, kinds, state, certificates, metrics, refused, following = {} } = options;
    // By name: callers pass parts of the operator with more in them, such as the times of caches, which are none of following.
    const { own, progressed, visibilityChanged, clock, random, log } = options;
    const given = { own, progressed, visibilityChanged, clock, random, log };
    const { balance = BALANCE_TIMING, ...timing } = following;
    const { namespace, podName, roles } = config;
    const ownIdentity = () => certificates.controlIdentity;
    const written = kinds.filter(({ status }) => status.form !== 'none');
    this.replicas = new Replicas({ state, namespace, podName, addressOf: timing.addressOf });
    const mover = new Mover({ ...balance, clock: options.clock, moved: metrics.moved });
    this.reporting = new Reporting({
      ...given,
      mover,
      replica: podName,
      ownIdentity,
      positions: () => written.map((row) => [row.id, state.positionOf(row)] as const),
      sent: metrics.sent,
      refused,
    });
    this.reports = new ReplicaReports({
      ...given,
      ...timing,
      mover,
      replicas: this.replicas,
      podName,
      servesProxies: roles.has('config'),
      credentials: () => certificates.mesh,
      ownIdentity,
      failed: metrics.failed,
      foundTwice: metrics.foundTwice,
    });
    this.rebalancing = new Rebalancing({
      ...balance,
      counts: () => this.reports.counts(),
      keep: (replica, proxies) => this.reports.keep(replica, proxies),
      clock: options.clock,
      log: options.log,
    });
  }

  /** More of the cluster has been seen. */
  moved(): void {
    this.reporting.moved();
  }
}
