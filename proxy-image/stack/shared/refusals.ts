import type { Logger } from '../../io/telemetry/log.ts';
import type { Recorder } from '../../io/telemetry/recorder.ts';
import {
  ADMIN_REFUSALS,
  type AdminRefusal,
  INBOUND_REFUSALS,
  type InboundRefusal,
  OUTBOUND_REFUSALS,
  type OutboundRefusal,
} from '../../io/telemetry/refusals.ts';

/** What may end a client's connection on either side. */
export type ClientRefusal = InboundRefusal & OutboundRefusal;

/** Says of every connection of a client that the proxy ends by its own decision why: a metric for each, a log line for as many as the log takes. */
export class Refusals {
  readonly #recorder: Recorder;
  readonly #log: Logger;

  /** `log` bounds how often it writes the same. */
  constructor(recorder: Recorder, log: Logger) {
    this.#recorder = recorder;
    this.#log = log;
  }

  /** `client`: its address. `detail`: the runtime's own words, or what exactly it was. */
  inbound(refusal: InboundRefusal, client: string, detail = ''): void {
    this.#recorder.inboundRefused(refusal);
    const { level, words } = INBOUND_REFUSALS[refusal];
    this.#write(level, { direction: 'inbound', reason: words, detail, client });
  }

  /** `destination`: what the application wanted to reach; empty = unknown. */
  outbound(refusal: OutboundRefusal, destination: string, detail = ''): void {
    this.#recorder.outboundRefused(refusal);
    const { level, words } = OUTBOUND_REFUSALS[refusal];
    this.#write(level, { direction: 'outbound', reason: words, detail, destination });
  }

  /** `subject`: the destination (outbound), the client's address (inbound). */
  client(side: 'inbound' | 'outbound', refusal: ClientRefusal, subject: string): void {
    this[side](refusal, subject);
  }

  admin(refusal: AdminRefusal, client: string): void {
    this.#recorder.adminRefused(refusal);
    const { level, words } = ADMIN_REFUSALS[refusal];
    this.#write(level, { direction: 'admin', reason: words, detail: '', client });
  }

  /** What came is no request. `client` is the address of whoever sent it; empty = the pod's own application. */
  request(direction: 'inbound' | 'outbound' | 'admin', answer: string, reason: string, client: string): void {
    this.#recorder.requestRefused(direction, answer);
    this.#log.info('request refused', { direction, answer, reason, client });
  }

  #write(level: 'info' | 'warn', { detail, ...fields }: Record<string, string>): void {
    this.#log[level]('connection refused', detail === '' ? fields : { ...fields, detail });
  }
}
