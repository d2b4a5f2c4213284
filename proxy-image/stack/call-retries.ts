import { NO_GRPC_STATUS } from '../core/classify/grpc-status.ts';
import {
  type RetryPolicy,
  retryBackoffMs,
  retryDecision,
  type TryEnd,
  type TryResult,
  tryTimeoutMs,
} from '../core/retry/plan.ts';
import type { Rng } from '../core/rng.ts';
import type { RouteEntry } from '../core/route/table.ts';
import type { ServiceEntry } from '../core/state/entries.ts';
import type { Recorder } from '../io/telemetry/recorder.ts';
import { retryEvent } from './retry-event.ts';

/** How a try ended, as far as it matters to the question whether there shall be another. */
export interface EndedTry {
  end: TryEnd;
  isFailure: boolean;
  status: number;
  grpcStatus: number;
  replayable: boolean;
  /** The server asked not to be tried again. */
  refusesRetries: boolean;
}

/** Decides about the retries of one call, and counts them. Reused from call to call. */
export class CallRetries {
  readonly #recorder: Recorder;
  readonly #rng: Rng;
  readonly #result: TryResult = {
    end: 'response',
    isFailure: false,
    status: 0,
    grpcStatus: NO_GRPC_STATUS,
    retries: 0,
    replayable: false,
    refusesRetries: false,
  };
  #policy: RetryPolicy = null;

  constructor(recorder: Recorder, rng: Rng) {
    this.#recorder = recorder;
    this.#rng = rng;
  }

  start(policy: RetryPolicy): void {
    this.#policy = policy;
    this.#result.retries = 0;
  }

  /** Responses may lead to another try. */
  get possible(): boolean {
    return this.#policy !== null;
  }

  /** For the present try; 0 = none. */
  get timeoutMs(): number {
    return this.#policy === null ? 0 : tryTimeoutMs(this.#policy, this.#result.retries);
  }

  /** Whether another try is due: the pause before it in milliseconds, or -1. Counted as made. */
  pauseBeforeNext(entry: ServiceEntry | null, route: RouteEntry, ended: EndedTry, nowMs: number): number {
    if (entry === null || this.#policy === null) return -1;
    const result = this.#result;
    result.end = ended.end;
    result.isFailure = ended.isFailure;
    result.status = ended.status;
    result.grpcStatus = ended.grpcStatus;
    result.replayable = ended.replayable;
    result.refusesRetries = ended.refusesRetries;
    const reason = retryDecision(this.#policy, entry.budget, result, nowMs);
    if (reason === 'retried' || reason === 'no_budget') this.#recorder.routeRetryable(route, reason === 'no_budget');
    const event = this.#policy === 'budget' ? null : retryEvent(reason, result.retries);
    if (event !== null) this.#recorder.serviceRetry(entry, event);
    return reason === 'retried' ? retryBackoffMs(this.#policy, result.retries++, this.#rng) : -1;
  }

  /** A try finds no endpoint: where it is a retry by annotation, that is counted apart. */
  foundNone(entry: ServiceEntry | null): void {
    if (this.#result.retries === 0 || entry === null || this.#policy === 'budget') return;
    this.#recorder.serviceRetry(entry, 'overflow');
  }
}
