import type { BreakerChange } from '../../core/breaker/breaker.ts';
import type { BackendEntry, PolicyEntry, ServiceEntry } from '../../core/state/entries.ts';
import { Counters } from './counters.ts';
import { renderLabels } from './labels.ts';
import { SeriesTable } from './series-table.ts';
import { backendLabels, routeLabelsOf, serviceRouteLabels } from './service-labels.ts';
import type { TextWriter } from './text-writer.ts';

export type BreakerEvent = Exclude<BreakerChange, 'none'>;

/** Names of the families that they are counted in (linkerd2-proxy: http retry metrics). */
export type RetryEvent =
  /** A retry is made. */
  | 'requests'
  /** A retry brought a response that is no failure. */
  | 'successes'
  /** No retries are left. */
  | 'limit_exceeded'
  /** A retry found no endpoint: fail-fast, or too many wait. */
  | 'overflow';

const BREAKER_EVENTS: readonly BreakerEvent[] = ['ejected', 'spared', 'kept_out', 'readmitted'];
const RETRIES: Readonly<Record<RetryEvent, string>> = {
  requests: 'Retries made by annotation',
  successes: 'Retries by annotation that brought a response that is no failure',
  limit_exceeded: 'Requests that would be retried by annotation, but had no retries left',
  overflow: 'Retries by annotation that found no endpoint',
};
const RETRY_EVENTS = Object.keys(RETRIES) as readonly RetryEvent[];

/** What is counted per Service and backend instead of per endpoint. Entries remember their series: the circuit breaker may decide with every response. */
export class ServiceFamilies {
  readonly table: SeriesTable;
  readonly #breaker: ReadonlyMap<BreakerEvent, Counters>;
  readonly #retries: ReadonlyMap<RetryEvent, Counters>;
  /** Those of a GRPCRoute. */
  readonly #grpcRetries: ReadonlyMap<RetryEvent, Counters>;

  constructor(capacity: number) {
    this.table = new SeriesTable(capacity);
    const counters = () => new Counters(this.table);
    this.#breaker = new Map(BREAKER_EVENTS.map((event) => [event, counters()]));
    this.#retries = new Map(RETRY_EVENTS.map((event) => [event, counters()]));
    this.#grpcRetries = new Map(RETRY_EVENTS.map((event) => [event, counters()]));
  }

  breaker(entry: ServiceEntry, backend: BackendEntry, event: BreakerEvent): void {
    const { table } = this;
    const series = table.holds(backend) ? backend.series : table.bind(backend, backendLabels(entry, backend));
    this.#breaker.get(event)!.add(series);
  }

  retry(entry: ServiceEntry, { origin, series: own }: PolicyEntry, event: RetryEvent): void {
    const { table } = this;
    const retries = own?.isGrpc === true ? this.#grpcRetries : this.#retries;
    const holder = own === null ? entry : own.retries;
    const labels = () => (own === null ? serviceRouteLabels(entry) : routeLabelsOf(entry, origin));
    retries.get(event)!.add(table.holds(holder) ? holder.series : table.bind(holder, labels()));
  }

  evict(before: number): void {
    const evicted = this.table.evict(before);
    for (const families of [this.#breaker, this.#retries, this.#grpcRetries]) {
      for (const counters of families.values()) counters.forget(evicted);
    }
  }

  writeRetries(writer: TextWriter): void {
    for (const [protocol, retries] of [
      ['http', this.#retries],
      ['grpc', this.#grpcRetries],
    ] as const) {
      for (const [event, counters] of retries) {
        const name = `outbound_${protocol}_route_retry_${event}_total`;
        writer.family(name, 'counter', RETRIES[event]);
        counters.write(writer, name);
      }
    }
  }

  writeBreaker(writer: TextWriter): void {
    const name = 'weft_outbound_breaker_decisions_total';
    writer.family(name, 'counter', 'Decisions of circuit breakers about endpoints of a backend');
    for (const [event, counters] of this.#breaker) counters.write(writer, name, renderLabels([['decision', event]]));
  }
}
