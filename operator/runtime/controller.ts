import { type Clock, DeadlineExceeded, withDeadline } from './clock.ts';
import { TerminalError } from './errors.ts';
import { errorFields, type Log } from './log.ts';
import { type QueueObserver, WorkQueue } from './queue.ts';

/** What a reconcile wants next: nothing, or another run after a delay. An error is thrown. */
export type Outcome = { requeueAfterMs: number } | undefined;

/** Brings one object of the world in line with what is wanted. It gets a key, not an event: it must look at the state of the world. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Outcome>;

/** Names of controller-runtime's `result` label. */
export type ReconcileResult = 'success' | 'error' | 'requeue' | 'requeue_after';

export interface ControllerObserver {
  finished(result: ReconcileResult, seconds: number): void;
  terminal(): void;
  panicked(): void;
  timedOut(): void;
}

const UNOBSERVED: ControllerObserver = { finished() {}, terminal() {}, panicked() {}, timedOut() {} };

export interface ControllerOptions {
  name: string;
  reconcile: Reconcile;
  clock: Clock;
  log: Log;
  workers?: number;
  /** Longest time of one reconcile. */
  timeoutMs?: number;
  observer?: ControllerObserver;
  queueObserver?: QueueObserver;
}

const RECONCILE_TIMEOUT_MS = 30_000;

/** Errors of the program rather than of the world: what is a panic in Go. */
const PROGRAM_ERRORS = [TypeError, RangeError, ReferenceError, SyntaxError];

/** Runs a reconcile per key from a queue (controller-runtime `pkg/internal/controller/controller.go`). */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly workers: number;
  readonly #options: ControllerOptions;
  readonly #observer: ControllerObserver;
  readonly #abort = new AbortController();
  #active = 0;
  #running: Promise<unknown> | null = null;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.workers = options.workers ?? 1;
    this.#options = options;
    this.#observer = options.observer ?? UNOBSERVED;
    this.queue = new WorkQueue({ clock: options.clock, observer: options.queueObserver });
  }

  get activeWorkers(): number {
    return this.#active;
  }

  /** Keys added before are worked on from now. */
  start(): void {
    if (this.#running !== null) return;
    this.#running = Promise.all(Array.from({ length: this.workers }, () => this.#work()));
  }

  /** Takes no further key and waits for the running reconciles. */
  async drain(): Promise<void> {
    this.queue.close();
    await this.#running;
  }

  /** Takes no further key and aborts the running reconciles: leadership is lost, another process may already act. */
  abort(reason: Error): void {
    this.queue.close();
    this.#abort.abort(reason);
  }

  async #work(): Promise<void> {
    for (let key = await this.queue.take(); key !== null; key = await this.queue.take()) {
      this.#active += 1;
      try {
        await this.#reconcile(key);
      } finally {
        this.#active -= 1;
        this.queue.done(key);
      }
    }
  }

  async #reconcile(key: string): Promise<void> {
    const { clock, reconcile, timeoutMs = RECONCILE_TIMEOUT_MS } = this.#options;
    const startedMs = clock.nowMs();
    const finished = (result: ReconcileResult) => this.#observer.finished(result, (clock.nowMs() - startedMs) / 1000);
    try {
      const outcome = await withDeadline(clock, timeoutMs, this.#abort.signal, (signal) => reconcile(key, signal));
      this.queue.forget(key);
      if (outcome !== undefined) this.queue.addAfter(key, outcome.requeueAfterMs);
      finished(outcome === undefined ? 'success' : 'requeue_after');
    } catch (error) {
      this.#failed(key, error);
      finished('error');
    }
  }

  #failed(key: string, error: unknown): void {
    const { log } = this.#options;
    if (this.#abort.signal.aborted) return;
    if (error instanceof DeadlineExceeded) this.#observer.timedOut();
    if (PROGRAM_ERRORS.some((kind) => error instanceof kind)) this.#observer.panicked();
    const fields = { controller: this.name, key, ...errorFields(error) };
    if (error instanceof TerminalError) {
      this.#observer.terminal();
      this.queue.forget(key);
      log.error('reconcile failed for good', fields);
      return;
    }
    const delayMs = this.queue.retry(key);
    log.error('reconcile failed', { ...fields, delayMs });
  }
}
