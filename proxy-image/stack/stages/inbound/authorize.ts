import { authorizeRequest } from '../../../core/policy/authorize.ts';
import type { PolicyDecision, PortPolicyEntry } from '../../../core/policy/policy.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { RequestView } from '../../../http/message.ts';
import type { Logger } from '../../../io/telemetry/log.ts';
import type { InboundError } from '../../../io/telemetry/recorder.ts';
import type { InboundClient } from '../../call/inbound-call.ts';
import type { CallObserver } from '../../call/observer.ts';
import { Stage } from '../../call/stage.ts';

interface Judged {
  readonly head: RequestView;
  readonly client: InboundClient;
  readonly policy: PortPolicyEntry;
  decision: PolicyDecision;
  answer(failure: Failure, detail?: string): void;
}

/** May this client ask this, here? */
export class Authorize<C extends Judged> extends Stage<C> {
  readonly #log: Logger;
  readonly #observer: CallObserver<C, InboundError>;

  constructor(log: Logger, observer: CallObserver<C, InboundError>) {
    super();
    this.#log = log;
    this.#observer = observer;
  }

  run(call: C): void {
    const { head } = call;
    const decision = authorizeRequest(call.policy, call.client.peer, head);
    call.decision = decision;
    if (decision.allowed) this.next.run(call);
    else this.#deny(call, decision);
  }

  #deny(call: C, { reason, server }: PolicyDecision): void {
    const { peer } = call.client;
    this.#observer.requestHead(call, call.head);
    this.#log.info('request denied', {
      client: peer.address,
      identity: peer.identity,
      port: call.policy.port,
      server: server.name,
      reason,
    });
    if (reason === 'no_route') call.answer(FAILURES.no_route);
    else call.answer(FAILURES.unauthorized, reason.replaceAll('_', ' '));
  }
}
