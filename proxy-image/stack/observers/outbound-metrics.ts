import { NO_GRPC_STATUS } from '../../contract/policy/grpc-status.ts';
import { isFailure } from '../../core/classify/classify.ts';
import type { RecoveryReason } from '../../core/retry/recover.ts';
import { NO_OUTBOUND_ROUTE } from '../../core/state/no-route.ts';
import type { ExchangeEnd } from '../../http/call.ts';
import type { CallRecorder, OutboundError, Recorder, RouteOutcome } from '../../io/telemetry/recorder.ts';
import type { OutboundCall, OutboundObserver } from '../call/outbound-call.ts';
import * as Phase from '../call/outbound-phase.ts';
import { retryEvent } from './retry-event.ts';

/** The metrics of outbound calls. */
export class OutboundMetrics implements OutboundObserver {
  readonly #recorder: Recorder;
  readonly #outcome: RouteOutcome = { status: 0, grpcStatus: NO_GRPC_STATUS, error: '', durationMs: 0 };

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  requestHead({ route, entry, exchange }: OutboundCall): void {
    this.#recorder.routeRequest(route);
    if (route.policy.series === null) return;
    exchange.requestMeter = this.#recorder.routes().outbound.requestMeter(entry!, route.policy);
  }

  attemptStart({ endpoint, entry, backend, share, route, exchange }: OutboundCall): void {
    if (endpoint === null) return;
    if (route.policy.series !== null) {
      const { outbound } = this.#recorder.routes();
      outbound.attempted(entry!, route.policy, share!);
      exchange.responseMeter = outbound.responseMeter(entry!, route.policy, share!);
    }
    this.#recorder.outboundRequest(backend?.authority ?? '', endpoint);
    this.#recorder.routeActualRequest(route);
  }

  responseHead(): void {}
  firstByte(): void {}

  attemptEnd(call: OutboundCall, error: OutboundError | null, endMs: number): void {
    if (call.route.policy.series !== null) this.#countAttempt(call, error, endMs);
    if (error === null) this.#responded(call, endMs);
    else this.#failed(call, error);
  }

  /** Of those that were sent: what found no endpoint is no request of a backend. */
  #countAttempt(
    { entry, share, route, endpoint, exchange, phase, attemptMs }: OutboundCall,
    error: OutboundError | null,
    endMs: number,
  ): void {
    if (endpoint === null || share === null || (error !== null && phase !== Phase.SENT)) return;
    const outcome = this.#outcome;
    outcome.status = error === null ? exchange.status : 0;
    outcome.grpcStatus = error === null ? exchange.grpcStatus : NO_GRPC_STATUS;
    outcome.error = error ?? '';
    outcome.durationMs = endMs - attemptMs;
    this.#recorder.routes().outbound.attemptEnded(entry!, route.policy, share, outcome);
  }

  #responded(call: OutboundCall, endMs: number): void {
    const { endpoint, backend, route, exchange, attemptMs } = call;
    if (endpoint === null) return;
    const { status, grpcStatus } = exchange;
    const failure = isFailure(route, status, grpcStatus);
    const latencyMs = endMs - attemptMs;
    this.#recorder.outboundResponse(backend?.authority ?? '', endpoint, status, grpcStatus, failure, latencyMs);
    this.#recorder.routeActualResponse(route, status, grpcStatus, failure);
    this.#calls(call)?.attempted(call, failure, latencyMs);
  }

  #failed(call: OutboundCall, error: OutboundError): void {
    const { endpoint, backend, route } = call;
    if (endpoint !== null && call.phase === Phase.SENT) {
      this.#recorder.routeActualResponse(route, 0, NO_GRPC_STATUS, true);
      this.#recorder.outboundFailed(backend?.authority ?? '', endpoint, error);
      this.#calls(call)?.attempted(call, true, 0);
      return;
    }
    this.#recorder.outboundError('http', error);
    if (error === 'failfast' || error === 'loadshed') this.#overflow(call);
  }

  /** A retry by annotation found no endpoint: that is counted apart. */
  #overflow({ entry, route, retries, retryPolicy }: OutboundCall): void {
    if (entry !== null && retries > 0 && retryPolicy?.type !== 'budget')
      this.#recorder.serviceRetry(entry, route.policy, 'overflow');
  }

  retryDecided({ entry, route, retries, retryPolicy }: OutboundCall, reason: RecoveryReason): void {
    if (entry === null || retryPolicy === null) return;
    if (reason === 'retried' || reason === 'no_budget') this.#recorder.routeRetryable(route, reason === 'no_budget');
    const event = retryPolicy.type === 'budget' ? null : retryEvent(reason, retries);
    if (event !== null) this.#recorder.serviceRetry(entry, route.policy, event);
  }

  end(call: OutboundCall, end: ExchangeEnd): void {
    const { entry, route, exchange } = call;
    const { status, grpcStatus, firstByteMs, startedMs } = exchange;
    const failure = status === 0 || isFailure(route, status, grpcStatus);
    const latencyMs = firstByteMs - startedMs;
    this.#calls(call)?.ended(call, failure, latencyMs);
    this.#recorder.routeResponse(route, status, grpcStatus, failure, latencyMs);
    if (route.policy.series === null) return;
    const outcome = this.#outcome;
    outcome.status = status;
    outcome.grpcStatus = grpcStatus;
    outcome.error = end === 'complete' ? '' : end === 'cancelled' ? 'unexpected' : 'i/o';
    outcome.durationMs = latencyMs;
    this.#recorder.routes().outbound.ended(entry!, route.policy, outcome);
  }

  /** A copy for a mirror is nobody's request. */
  #calls({ entry, route }: OutboundCall): CallRecorder | null {
    return entry === null || route !== NO_OUTBOUND_ROUTE ? this.#recorder.calls : null;
  }
}
