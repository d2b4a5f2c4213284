import { type Clock, withDeadline } from './clock.ts';
import { RuntimeError } from './errors.ts';
import { errorFields, type Log } from './log.ts';

/** Something with a life. `start` resolves when it works; `stop` when nothing of it is left. */
export interface Component {
  readonly name: string;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Start order (controller-runtime `pkg/manager/internal.go`). Servers and webhooks come before caches: a conversion or validation webhook that is
 * not up can keep a cache from filling. `serving` is what others ask for what the caches hold.
 */
export const PHASES = ['servers', 'webhooks', 'caches', 'runnables', 'serving', 'election', 'leader'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * Stop order: what the leader writes comes to its end first, and the lease is given back at once, so that another replica leads while this one still serves whoever
 * has not heard of its end. What serves needs caches and certificates until then, and the kubelet is answered to the last.
 */
const STOP_ORDER: readonly Phase[] = ['leader', 'election', 'serving', 'runnables', 'caches', 'webhooks', 'servers'];

/** Of the grace period, for writes of the leader: one that hangs must not take their time from those who are served. */
const LEADERS_PART = 1 / 3;

export interface ManagerOptions {
  clock: Clock;
  log: Log;
  /** Time for all stops together; the pod's `terminationGracePeriodSeconds` must be longer. */
  graceMs?: number;
  /** Time for one phase to start; caches are the slow ones. */
  startMs?: number;
}

const STOP_GRACE_MS = 30_000;
const START_TIMEOUT_MS = 120_000;

/** Starts components phase by phase and stops them in order. Components of phase `leader` start only through `lead`. */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #components = new Map<Phase, Component[]>(PHASES.map((phase) => [phase, []]));
  readonly #started = new Set<Component>();
  readonly #abort = new AbortController();
  #stopping: Promise<void> | null = null;

  constructor(options: ManagerOptions) {
    this.#options = options;
  }

  add(phase: Phase, component: Component): void {
    this.#components.get(phase)!.push(component);
  }

  get isStopping(): boolean {
    return this.#stopping !== null;
  }

  /** Rejects with the first failure; what had started is then still to be stopped. */
  async start(): Promise<void> {
    for (const phase of PHASES) {
      if (phase !== 'leader') await this.#startPhase(phase);
    }
  }

  /** Starts what only the leader runs. */
  async lead(): Promise<void> {
    await this.#startPhase('leader');
  }

  /** Stops everything within the grace period; a component that fails or hangs is logged and left behind. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #startPhase(phase: Phase): Promise<void> {
    const limitMs = this.#options.startMs ?? START_TIMEOUT_MS;
    await Promise.all(this.#components.get(phase)!.map((component) => this.#startOne(component, limitMs)));
  }

  async #startOne(component: Component, limitMs: number): Promise<void> {
    const { clock, log } = this.#options;
    if (this.#abort.signal.aborted) return;
    this.#started.add(component);
    try {
      await withDeadline(clock, limitMs, this.#abort.signal, (signal) => component.start(signal));
      log.debug('component started', { component: component.name });
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      if (error instanceof RuntimeError) throw error;
      throw new RuntimeError('WEFT_START_FAILED', `${component.name} did not start`, error);
    }
  }

  async #stopAll(): Promise<void> {
    const { clock, graceMs = STOP_GRACE_MS } = this.#options;
    this.#abort.abort(new Error('stopping'));
    const startMs = clock.nowMs();
    for (const phase of STOP_ORDER) {
      const endMs = startMs + (phase === 'leader' ? graceMs * LEADERS_PART : graceMs);
      const started = this.#components.get(phase)!.filter((component) => this.#started.has(component));
      await Promise.all(started.map((component) => this.#stopOne(component, endMs)));
    }
  }

  async #stopOne(component: Component, endMs: number): Promise<void> {
    const { clock, log } = this.#options;
    // Even a late phase gets a moment: closing a socket or giving the lease back takes milliseconds.
    const leftMs = Math.max(1_000, endMs - clock.nowMs());
    try {
      await withDeadline(clock, leftMs, new AbortController().signal, () => component.stop());
    } catch (error) {
      log.error('component did not stop', { component: component.name, ...errorFields(error) });
    }
  }
}
