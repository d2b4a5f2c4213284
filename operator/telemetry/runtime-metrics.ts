import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../runtime/clock.ts';
import type { Controller, ControllerObserver, ReconcileResult } from '../runtime/controller.ts';
import type { LeaderElector } from '../runtime/leader-elector.ts';
import type { QueueObserver } from '../runtime/queue.ts';

/** controller-runtime `pkg/internal/controller/metrics`. */
const RECONCILE_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** client-go's workqueue: ten nanoseconds to 1,000 s. */
const QUEUE_BUCKETS = Array.from({ length: 12 }, (_, exponent) => 1e-8 * 10 ** exponent);
const RESULTS: readonly ReconcileResult[] = ['success', 'error', 'requeue', 'requeue_after'];

/** Metrics of queues, controllers and the election under controller-runtime's names, so that its dashboards work. */
export class RuntimeMetrics {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #controllers: Controller[] = [];
  readonly #reconciles: Counter<'controller' | 'result'>;
  readonly #errors: Counter<'controller'>;
  readonly #terminal: Counter<'controller'>;
  readonly #panics: Counter<'controller'>;
  readonly #timeouts: Counter<'controller'>;
  readonly #seconds: Histogram<'controller'>;
  readonly #adds: Counter<'name'>;
  readonly #retries: Counter<'name'>;
  readonly #queued: Histogram<'name'>;
  readonly #worked: Histogram<'name'>;

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
    const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
      new Counter({ name, help, labelNames, registers: [registry] });
    const histogram = <L extends string>(name: string, help: string, labelNames: L[], buckets: number[]) =>
      new Histogram({ name, help, labelNames, buckets, registers: [registry] });
    this.#reconciles = counter('controller_runtime_reconcile_total', 'Reconciles by controller and result.', [
      'controller',
      'result',
    ]);
    this.#errors = counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed.', ['controller']);
    this.#terminal = counter('controller_runtime_terminal_reconcile_errors_total', 'Reconciles that failed for good.', [
      'controller',
    ]);
    this.#panics = counter('controller_runtime_reconcile_panics_total', 'Reconciles that failed by a program error.', [
      'controller',
    ]);
    this.#timeouts = counter('controller_runtime_reconcile_timeouts_total', 'Reconciles that took too long.', [
      'controller',
    ]);
    this.#seconds = histogram(
      'controller_runtime_reconcile_time_seconds',
      'Time of one reconcile.',
      ['controller'],
      RECONCILE_BUCKETS,
    );
    this.#adds = counter('workqueue_adds_total', 'Keys added to a queue.', ['name']);
    this.#retries = counter('workqueue_retries_total', 'Retries handled by a queue.', ['name']);
    this.#queued = histogram('workqueue_queue_duration_seconds', 'Time a key waits.', ['name'], QUEUE_BUCKETS);
    this.#worked = histogram('workqueue_work_duration_seconds', 'Time a key is worked on.', ['name'], QUEUE_BUCKETS);
    this.#registerGauges();
  }

  /** Observers for one controller, whose series exist from now on with value zero. */
  observersFor(controller: string): { observer: ControllerObserver; queueObserver: QueueObserver } {
    for (const result of RESULTS) this.#reconciles.inc({ controller, result }, 0);
    for (const counter of [this.#errors, this.#terminal, this.#panics, this.#timeouts]) counter.inc({ controller }, 0);
    for (const counter of [this.#adds, this.#retries]) counter.inc({ name: controller }, 0);
    this.#seconds.zero({ controller });
    for (const histogram of [this.#queued, this.#worked]) histogram.zero({ name: controller });
    return { observer: this.#controllerObserver(controller), queueObserver: this.#queueObserver(controller) };
  }

  /** Depth, active workers and running times of `controller` are read at each scrape. */
  watch(controller: Controller): void {
    this.#controllers.push(controller);
  }

  watchElection(name: string, elector: LeaderElector): void {
    this.#gauge('leader_election_master_status', 'Whether this process leads.', 'name', (set) =>
      set(name, elector.isLeader ? 1 : 0),
    );
    const slowPaths = new Counter({
      name: 'leader_election_slowpath_total',
      help: 'Renewals that needed a second look.',
      labelNames: ['name'],
      registers: [this.#registry],
      collect() {
        slowPaths.reset();
        slowPaths.inc({ name }, elector.slowPaths);
      },
    });
  }

  #controllerObserver(controller: string): ControllerObserver {
    return {
      finished: (result, seconds) => {
        this.#reconciles.inc({ controller, result });
        this.#seconds.observe({ controller }, seconds);
        if (result === 'error') this.#errors.inc({ controller });
      },
      terminal: () => this.#terminal.inc({ controller }),
      panicked: () => this.#panics.inc({ controller }),
      timedOut: () => this.#timeouts.inc({ controller }),
    };
  }

  #queueObserver(name: string): QueueObserver {
    return {
      added: () => this.#adds.inc({ name }),
      retried: () => this.#retries.inc({ name }),
      started: (seconds) => this.#queued.observe({ name }, seconds),
      finished: (seconds) => this.#worked.observe({ name }, seconds),
    };
  }

  #registerGauges(): void {
    const each = (read: (controller: Controller) => number) => (set: (label: string, value: number) => void) => {
      for (const controller of this.#controllers) set(controller.name, read(controller));
    };
    const runningSeconds = (controller: Controller) => {
      const nowMs = this.#clock.nowMs();
      return controller.queue.runningSinceMs.map((sinceMs) => (nowMs - sinceMs) / 1000);
    };
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    const perController = (name: string, help: string, read: (controller: Controller) => number) =>
      this.#gauge(name, help, 'controller', each(read));
    const perQueue = (name: string, help: string, read: (controller: Controller) => number) =>
      this.#gauge(name, help, 'name', each(read));
    perController('controller_runtime_max_concurrent_reconciles', 'Workers of a controller.', (c) => c.workers);
    perController('controller_runtime_active_workers', 'Busy workers of a controller.', (c) => c.activeWorkers);
    perQueue('workqueue_depth', 'Keys waiting in a queue.', (c) => c.queue.depth);
    perQueue('workqueue_unfinished_work_seconds', 'Time spent on keys still worked on.', (c) => sum(runningSeconds(c)));
    perQueue('workqueue_longest_running_processor_seconds', 'Longest of the running reconciles.', (c) =>
      Math.max(0, ...runningSeconds(c)),
    );
  }

  #gauge(name: string, help: string, label: string, read: (set: (label: string, value: number) => void) => void): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect: () => read((value, amount) => gauge.set({ [label]: value }, amount)),
    });
  }
}
