import { type OutcomeSeries, type RouteSeries, type SeriesHolder, UNRESOLVED } from '../../core/series.ts';
import type { PolicyEntry, ServiceEntry, ShareEntry } from '../../core/state/entries.ts';
import { Counters } from './counters.ts';
import { Histograms } from './histogram.ts';
import { joinLabels, renderLabels } from './labels.ts';
import type { OutboundError } from './recorder.ts';
import { OVERFLOW, SeriesTable } from './series-table.ts';
import { metaLabels, routeLabelsOf } from './service-labels.ts';
import type { TextWriter } from './text-writer.ts';

/** Seconds (linkerd2-proxy: http route metrics). */
const REQUEST_BOUNDS = [0.05, 0.5, 1, 10];
const RESPONSE_BOUNDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10];

/** Values of `error` (linkerd2-proxy: http route metrics), by the proxy's own. */
const ERRORS: Readonly<Record<OutboundError, string>> = {
  failfast: 'FAIL_FAST',
  loadshed: 'LOAD_SHED',
  'response timeout': 'REQUEST_TIMEOUT',
  'i/o': 'IO',
  connect: 'IO',
  'identity required': 'IO',
  unexpected: 'CANCEL',
};
const ERROR_CODES = Object.keys(ERRORS);
/** An outcome is a sum: status (0..999), and which error. */
const ERROR = 1_000;
/** Outcomes that one series remembers; an application that makes up statuses counts the rest in the overflow. */
const MAX_OUTCOMES = 64;

/** Durations and outcomes of one side of a route: its requests, or what goes to one backend. */
class Outcomes {
  readonly requests: Counters;
  readonly #series: SeriesTable;
  readonly #outcomes: SeriesTable;
  readonly #counts: Counters;
  readonly #durations: Histograms;
  readonly #status: string;
  #opened = 0;

  constructor(capacity: number, bounds: readonly number[], status: string) {
    this.#series = new SeriesTable(capacity);
    this.#outcomes = new SeriesTable(capacity);
    this.requests = new Counters(this.#series);
    this.#counts = new Counters(this.#outcomes);
    this.#durations = new Histograms(bounds);
    this.#status = status;
  }

  seriesOf(holder: OutcomeSeries, labels: () => string): number {
    if (this.#series.holds(holder)) return holder.series;
    const series = this.#series.bind(holder, labels());
    while (this.#opened <= series) this.#durations.open(this.#opened++);
    return series;
  }

  /** `status` 0 = none; `error` empty = none. */
  ended(holder: OutcomeSeries, labels: () => string, status: number, error: OutboundError | '', ms: number): void {
    const series = this.seriesOf(holder, labels);
    this.#series.used(series);
    this.#durations.record(series, ms / 1_000);
    const code = status + ERROR * (error === '' ? 0 : ERROR_CODES.indexOf(error) + 1);
    const outcome = outcomeOf(holder, code);
    if (outcome === null) this.#counts.add(OVERFLOW);
    else if (this.#outcomes.holds(outcome)) this.#counts.add(outcome.series);
    else this.#counts.add(this.#outcomes.bind(outcome, this.#labelsOf(series, status, error)));
  }

  #labelsOf(series: number, status: number, error: OutboundError | ''): string {
    const shown = status === 0 && error !== '' ? '' : String(status);
    const own = renderLabels([
      [this.#status, shown],
      ['error', error === '' ? '' : ERRORS[error]],
    ]);
    return joinLabels(this.#series.text(series) ?? '', own);
  }

  advance(epoch: number, before: number): void {
    this.#series.epoch = epoch;
    this.#outcomes.epoch = epoch;
    const evicted = this.#series.evict(before);
    for (const index of evicted) this.#durations.open(index);
    this.requests.forget(evicted);
    this.#counts.forget(this.#outcomes.evict(before));
  }

  writeDurations(writer: TextWriter, name: string): void {
    for (let series = OVERFLOW; series < this.#opened; series++) {
      const labels = this.#series.text(series);
      if (labels !== null && (series !== OVERFLOW || this.#durations.countOf(series) > 0)) {
        this.#durations.write(writer, name, labels, series);
      }
    }
  }

  writeOutcomes(writer: TextWriter, name: string): void {
    this.#counts.write(writer, name);
  }
}

/** `null`: there are too many of them. */
function outcomeOf({ outcomes }: OutcomeSeries, code: number): SeriesHolder | null {
  const known = outcomes.get(code);
  if (known !== undefined) return known;
  if (outcomes.size >= MAX_OUTCOMES) return null;
  const made = { series: UNRESOLVED, generation: UNRESOLVED };
  outcomes.set(code, made);
  return made;
}

/** One protocol's families, `outbound_http_route_*` or `outbound_grpc_route_*`. */
class RouteProtocol {
  readonly route: Outcomes;
  readonly backend: Outcomes;
  readonly #prefix: string;

  constructor(capacity: number, protocol: 'http' | 'grpc') {
    this.#prefix = `outbound_${protocol}_route`;
    this.route = new Outcomes(capacity, REQUEST_BOUNDS, `${protocol}_status`);
    this.backend = new Outcomes(capacity, RESPONSE_BOUNDS, `${protocol}_status`);
  }

  write(writer: TextWriter): void {
    const prefix = this.#prefix;
    const family = (name: string, kind: 'counter' | 'histogram', help: string) => {
      writer.family(`${prefix}_${name}`, kind, help);
      return `${prefix}_${name}`;
    };
    const { route, backend } = this;
    route.writeDurations(
      writer,
      family('request_duration_seconds', 'histogram', 'Seconds of a request, retries included'),
    );
    route.writeOutcomes(writer, family('request_statuses_total', 'counter', 'Requests that have ended, by status'));
    backend.requests.write(writer, family('backend_requests_total', 'counter', 'Attempts sent to a backend'));
    backend.writeDurations(writer, family('backend_response_duration_seconds', 'histogram', 'Seconds of an attempt'));
    backend.writeOutcomes(
      writer,
      family('backend_response_statuses_total', 'counter', 'Attempts that have ended, by status'),
    );
  }
}

/** Requests by HTTPRoute and GRPCRoute, and by the backends of their rules. Made for the first of them: who has no such routes pays nothing. */
export class RouteFamilies {
  readonly #http: RouteProtocol;
  readonly #grpc: RouteProtocol;

  constructor(capacity: number) {
    this.#http = new RouteProtocol(capacity, 'http');
    this.#grpc = new RouteProtocol(capacity, 'grpc');
  }

  #of({ isGrpc }: RouteSeries): RouteProtocol {
    return isGrpc ? this.#grpc : this.#http;
  }

  /** What the client was told; `status` is that of gRPC for a GRPCRoute. */
  ended(
    series: RouteSeries,
    entry: ServiceEntry,
    policy: PolicyEntry,
    status: number,
    error: OutboundError | '',
    ms: number,
  ): void {
    this.#of(series).route.ended(series.route, () => routeLabelsOf(entry, policy.origin), status, error, ms);
  }

  attempted(series: RouteSeries, entry: ServiceEntry, policy: PolicyEntry, share: ShareEntry): void {
    const { backend } = this.#of(series);
    backend.requests.add(backend.seriesOf(series.backends[share.index]!, () => labelsOf(entry, policy, share)));
  }

  attemptEnded(
    series: RouteSeries,
    entry: ServiceEntry,
    policy: PolicyEntry,
    share: ShareEntry,
    status: number,
    error: OutboundError | '',
    ms: number,
  ): void {
    const holder = series.backends[share.index]!;
    this.#of(series).backend.ended(holder, () => labelsOf(entry, policy, share), status, error, ms);
  }

  advance(epoch: number, before: number): void {
    for (const { route, backend } of [this.#http, this.#grpc]) {
      route.advance(epoch, before);
      backend.advance(epoch, before);
    }
  }

  write(writer: TextWriter): void {
    this.#http.write(writer);
    this.#grpc.write(writer);
  }
}

function labelsOf(entry: ServiceEntry, policy: PolicyEntry, { backend }: ShareEntry): string {
  return joinLabels(routeLabelsOf(entry, policy.origin), renderLabels(metaLabels('backend', backend.meta)));
}
