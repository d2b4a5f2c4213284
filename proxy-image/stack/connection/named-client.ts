import { formatAddress } from '../../contract/keys.ts';
import type { Destination, DestinationEntry, ServiceEntry } from '../../core/state/entries.ts';
import { FAILURES } from '../../http/failures.ts';
import { ExtraFields, NO_EXTRA_FIELDS } from '../../http/message.ts';
import type { Address } from '../../io/transport/types.ts';
import type { ForbiddenCall, OutboundClient } from '../call/outbound-call.ts';
import type { StackOptions } from '../shared/options.ts';

/** Of requests that name what nothing is. */
export const NOWHERE: Destination = {
  key: '',
  ip: '',
  port: 0,
  entry: { kind: 'forbidden', key: '', version: '', reason: 'nothing has the name that the request says' },
};

/** Whoever asks by name, as far as its requests are for one destination. */
export class NamedClient implements OutboundClient {
  readonly destination: Destination;
  readonly sourceIp: string;
  readonly sourcePort: number;
  readonly #options: StackOptions;
  /** `l5d-dst-canonical`, made once per answer of the control plane. */
  #extra: ExtraFields = NO_EXTRA_FIELDS;
  #extraOf: DestinationEntry | null = null;

  constructor(options: StackOptions, destination: Destination, source: Address) {
    this.#options = options;
    this.destination = destination;
    this.sourceIp = source.ip;
    this.sourcePort = source.port;
  }

  get original(): Address {
    return this.destination;
  }

  destinationOf(): Destination {
    return this.destination;
  }

  extraFor(entry: ServiceEntry): ExtraFields {
    if (this.#extraOf !== entry) {
      this.#extraOf = entry;
      this.#extra = new ExtraFields([['l5d-dst-canonical', entry.authority]]);
    }
    return this.#extra;
  }

  /** The request is answered: others of its connection may be for something else. */
  forbid(call: ForbiddenCall, why: string): void {
    const { log, recorder } = this.#options;
    const destination = this.destination === NOWHERE ? '' : formatAddress(this.destination.ip, this.destination.port);
    log.info('request refused', { direction: 'outbound', reason: why, destination });
    const failure = this.#failure;
    if (failure.error !== null) recorder.outboundError('http', failure.error);
    call.answer(failure, failure.detailed ? why : '');
  }

  get #failure(): (typeof FAILURES)['no_route' | 'no_such_backend' | 'failfast'] {
    if (this.destination === NOWHERE) return FAILURES.no_route;
    return this.destination.entry === null ? FAILURES.failfast : FAILURES.no_such_backend;
  }
}
