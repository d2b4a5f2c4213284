import type { RequestView } from '../../http/message.ts';
import type { AccessLog } from '../../io/telemetry/access-log.ts';
import type { InboundCall, InboundObserver } from '../call/inbound-call.ts';
import type { StackOptions } from '../shared/options.ts';
import { AccessRecord } from './access.ts';

/** The access log of inbound calls: there only where it is switched on. */
export class AccessLogging implements InboundObserver {
  readonly #log: AccessLog;
  readonly #options: StackOptions;
  readonly #records = new Map<InboundCall, AccessRecord>();

  constructor(log: AccessLog, options: StackOptions) {
    this.#log = log;
    this.#options = options;
  }

  requestHead(call: InboundCall, head: RequestView): void {
    const { peer, remotePort } = call.client;
    this.#records.set(call, new AccessRecord(this.#log, head, peer, remotePort, this.#options.wallMs()));
  }

  get #nowMs(): number {
    return this.#options.transport.timers.nowMs();
  }

  attemptStart(call: InboundCall): void {
    this.#records.get(call)?.sent(this.#nowMs);
  }

  responseHead(call: InboundCall): void {
    this.#records.get(call)?.answered(this.#nowMs);
  }

  firstByte(): void {}
  attemptEnd(): void {}
  retryDecided(): void {}

  end(call: InboundCall): void {
    this.#records.get(call)?.ended(call.exchange, this.#nowMs);
    this.#records.delete(call);
  }
}
