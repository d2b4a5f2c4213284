import { isFailure } from '../../core/classify/classify.ts';
import { NO_GRPC_STATUS } from '../../core/classify/grpc-status.ts';
import type { RecoveryReason } from '../../core/retry/recover.ts';
import type { OutboundError, Recorder } from '../../io/telemetry/recorder.ts';
import type { OutboundCall, OutboundObserver } from '../call/outbound-call.ts';
import * as Phase from '../call/outbound-phase.ts';
import { retryEvent } from './retry-event.ts';

/** The metrics of outbound calls. */
export class OutboundMetrics implements OutboundObserver {
  readonly #recorder: Recorder;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  requestHead(call: OutboundCall): void {
    this.#recorder.routeRequest(call.route);
  }

  attemptStart({ endpoint, backend, route }: OutboundCall): void {
    if (endpoint === null) return;
    this.#recorder.outboundRequest(backend?.authority ?? '', endpoint);
    this.#recorder.routeActualRequest(route);
  }

  responseHead(): void {}
  firstByte(): void {}

  attemptEnd(call: OutboundCall, error: OutboundError | null, endMs: number): void {
    if (error === null) this.#responded(call, endMs);
    else this.#failed(call, error);
  }

  #responded({ endpoint, backend, route, exchange, attemptMs }: OutboundCall, endMs: number): void {
    if (endpoint === null) return;
    const { status, grpcStatus } = exchange;
    const failure = isFailure(route, status, grpcStatus);
    const latencyMs = endMs - attemptMs;
    this.#recorder.outboundResponse(backend?.authority ?? '', endpoint, status, grpcStatus, failure, latencyMs);
    this.#recorder.routeActualResponse(route, status, grpcStatus, failure);
  }

  #failed(call: OutboundCall, error: OutboundError): void {
    const { endpoint, backend, route } = call;
    if (endpoint !== null && call.phase === Phase.SENT) {
      this.#recorder.routeActualResponse(route, 0, NO_GRPC_STATUS, true);
      this.#recorder.outboundFailed(backend?.authority ?? '', endpoint, error);
      return;
    }
    this.#recorder.outboundError('http', error);
    if (error === 'failfast' || error === 'loadshed') this.#overflow(call);
  }

  /** A retry by annotation found no endpoint: that is counted apart. */
  #overflow({ entry, retries, retryPolicy }: OutboundCall): void {
    if (entry !== null && retries > 0 && retryPolicy?.type !== 'budget') this.#recorder.serviceRetry(entry, 'overflow');
  }

  retryDecided({ entry, route, retries, retryPolicy }: OutboundCall, reason: RecoveryReason): void {
    if (entry === null || retryPolicy === null) return;
    if (reason === 'retried' || reason === 'no_budget') this.#recorder.routeRetryable(route, reason === 'no_budget');
    const event = retryPolicy.type === 'budget' ? null : retryEvent(reason, retries);
    if (event !== null) this.#recorder.serviceRetry(entry, event);
  }

  end({ route, exchange }: OutboundCall): void {
    const { status, grpcStatus, firstByteMs, startedMs } = exchange;
    const failure = status === 0 || isFailure(route, status, grpcStatus);
    this.#recorder.routeResponse(route, status, grpcStatus, failure, firstByteMs - startedMs);
  }
}
