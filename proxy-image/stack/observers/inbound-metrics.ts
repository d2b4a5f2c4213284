import { isFailure } from '../../core/classify/classify.ts';
import type { InboundError, Recorder } from '../../io/telemetry/recorder.ts';
import type { InboundCall, InboundObserver } from '../call/inbound-call.ts';
import * as Phase from '../call/inbound-phase.ts';

/** The metrics of inbound calls. What policy refuses is a denial and no request (linkerd2-proxy: its endpoint metrics lie behind policy). */
export class InboundMetrics implements InboundObserver {
  readonly #recorder: Recorder;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  requestHead(call: InboundCall): void {
    const { policy, client, decision, route, exchange, limitedBy } = call;
    const { peer } = client;
    this.#recorder.inboundAuthorized('http', policy, peer, decision);
    if (limitedBy !== null) this.#recorder.inboundRateLimited(policy, peer, decision, limitedBy);
    if (isRefused(call)) return;
    this.#recorder.inboundRequest(policy, peer, decision);
    this.#recorder.routeRequest(route);
    const { rule } = decision;
    if (rule === null) return;
    const { inbound } = this.#recorder.routes();
    inbound.began(policy, rule);
    exchange.requestMeter = inbound.requestMeter(policy, rule);
    exchange.responseMeter = inbound.responseMeter(policy, rule);
  }

  attemptStart(): void {}
  responseHead(): void {}
  firstByte(): void {}

  attemptEnd(call: InboundCall, error: InboundError | null): void {
    const { policy, client, decision } = call;
    if (error !== null && !isRefused(call)) this.#recorder.inboundFailed(policy, client.peer, decision, error);
  }

  retryDecided(): void {}

  end(call: InboundCall): void {
    if (isRefused(call)) return;
    const { policy, client, decision, route, exchange } = call;
    const { status, grpcStatus, firstByteMs, startedMs } = exchange;
    const failure = status === 0 || isFailure(route, status, grpcStatus);
    const latencyMs = firstByteMs - startedMs;
    if (call.phase !== Phase.FAILED) {
      this.#recorder.inboundResponse(policy, client.peer, decision, status, grpcStatus, failure, latencyMs);
    }
    this.#recorder.routeResponse(route, status, grpcStatus, failure, latencyMs);
    const { rule } = decision;
    if (rule !== null) this.#recorder.routes().inbound.ended(policy, rule, exchange, call.sentMs);
  }
}

/** By policy, or for there were too many. */
function isRefused({ decision, limitedBy }: InboundCall): boolean {
  return !decision.allowed || limitedBy !== null;
}
