import { isFailure } from '../../core/classify/classify.ts';
import type { PolicyDecision, RuleFacts } from '../../core/policy/decision.ts';
import type { InboundError, Recorder } from '../../io/telemetry/recorder.ts';
import type { InboundCall, InboundObserver } from '../call/inbound-call.ts';
import * as Phase from '../call/inbound-phase.ts';

/** The metrics of inbound calls. */
export class InboundMetrics implements InboundObserver {
  readonly #recorder: Recorder;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  requestHead({ policy, client, decision, route, exchange }: InboundCall): void {
    const { peer } = client;
    this.#recorder.inboundAuthorized('http', policy, peer, decision);
    this.#recorder.inboundRequest(policy, peer, decision);
    this.#recorder.routeRequest(route);
    const rule = admitting(decision);
    if (rule === null) return;
    const { inbound } = this.#recorder.routes();
    inbound.began(policy, rule);
    exchange.requestMeter = inbound.requestMeter(policy, rule);
    exchange.responseMeter = inbound.responseMeter(policy, rule);
  }

  attemptStart(): void {}
  responseHead(): void {}
  firstByte(): void {}

  attemptEnd({ policy, client, decision }: InboundCall, error: InboundError | null): void {
    if (error !== null) this.#recorder.inboundFailed(policy, client.peer, decision, error);
  }

  retryDecided(): void {}

  end(call: InboundCall): void {
    const { policy, client, decision, route, exchange, limitedBy } = call;
    const { status, grpcStatus, firstByteMs, startedMs } = exchange;
    const failure = status === 0 || isFailure(route, status, grpcStatus);
    const latencyMs = firstByteMs - startedMs;
    if (limitedBy !== null) this.#recorder.inboundRateLimited(policy, client.peer, decision, limitedBy);
    if (call.phase !== Phase.FAILED) {
      this.#recorder.inboundResponse(policy, client.peer, decision, status, grpcStatus, failure, latencyMs);
    }
    this.#recorder.routeResponse(route, status, grpcStatus, failure, latencyMs);
    const rule = admitting(decision);
    if (rule !== null) this.#recorder.routes().inbound.ended(policy, rule, exchange, call.sentMs);
  }
}

/** The rule that has let it in; `null` = none. */
function admitting({ allowed, rule }: PolicyDecision): RuleFacts | null {
  return allowed ? rule : null;
}
