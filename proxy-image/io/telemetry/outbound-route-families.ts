import type { SeriesHolder } from '../../core/series.ts';
import type { PolicyEntry, ServiceEntry, ShareEntry } from '../../core/state/entries.ts';
import type { BodyMeter } from '../../http/body-meter.ts';
import type { OutboundError } from './error-labels.ts';
import type { FrameSizes } from './frame-sizes.ts';
import { grpcStatusName } from './grpc-status-names.ts';
import { joinLabels, renderLabels } from './labels.ts';
import type { OutboundRouteRecorder, RouteOutcome } from './recorder.ts';
import { type Durations, RouteOutcomes, statusOf, statusText } from './route-outcomes.ts';
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
/** The number of an outcome is a sum: status and one (0 = none), and which error (0 = none). */
const ERROR = 1_001;

function codeOf(status: number, error: OutboundError | ''): number {
  return status + 1 + ERROR * (error === '' ? 0 : ERROR_CODES.indexOf(error) + 1);
}

/** One protocol's families, `outbound_http_route_*` or `outbound_grpc_route_*`. */
class OutboundProtocol {
  readonly route: RouteOutcomes;
  readonly backend: RouteOutcomes;
  readonly #routeSeconds: Durations;
  readonly #backendSeconds: Durations;
  readonly requestFrames: FrameSizes;
  readonly responseFrames: FrameSizes;
  readonly #prefix: string;

  constructor(capacity: number, protocol: 'http' | 'grpc') {
    const textOf = protocol === 'grpc' ? grpcStatusName : statusText;
    const labelsOf = (code: number) => {
      const error = Object.values(ERRORS)[Math.floor(code / ERROR) - 1] ?? '';
      return renderLabels([
        [`${protocol}_status`, textOf((code % ERROR) - 1)],
        ['error', error],
      ]);
    };
    this.#prefix = `outbound_${protocol}_route`;
    this.route = new RouteOutcomes(capacity, labelsOf);
    this.backend = new RouteOutcomes(capacity, labelsOf);
    this.#routeSeconds = this.route.durations(REQUEST_BOUNDS);
    this.#backendSeconds = this.backend.durations(RESPONSE_BOUNDS);
    this.requestFrames = this.route.frames();
    this.responseFrames = this.backend.frames();
  }

  ended(series: number, status: number, { error, durationMs }: RouteOutcome): void {
    this.route.statuses.add(series, codeOf(status, error));
    this.#routeSeconds.record(series, durationMs);
  }

  attemptEnded(series: number, status: number, { error, durationMs }: RouteOutcome): void {
    this.backend.statuses.add(series, codeOf(status, error));
    this.#backendSeconds.record(series, durationMs);
  }

  write(writer: TextWriter): void {
    const family = (name: string, kind: 'counter' | 'histogram', help: string) => {
      return writer.family(`${this.#prefix}_${name}`, kind, help);
    };
    const { route, backend } = this;
    const requests = family('request_duration_seconds', 'histogram', 'Seconds of a request, retries included');
    this.#routeSeconds.write(writer, requests);
    route.statuses.write(writer, family('request_statuses_total', 'counter', 'Requests that have ended, by status'));
    this.requestFrames.write(writer, family('request_frame_size_bytes', 'histogram', 'Pieces of bodies of requests'));
    backend.requests.write(writer, family('backend_requests_total', 'counter', 'Attempts sent to a backend'));
    const attempts = family('backend_response_duration_seconds', 'histogram', 'Seconds of an attempt');
    this.#backendSeconds.write(writer, attempts);
    const ended = family('backend_response_statuses_total', 'counter', 'Attempts that have ended, by status');
    backend.statuses.write(writer, ended);
    const frames = family('backend_response_frame_size_bytes', 'histogram', 'Pieces of bodies of responses passed on');
    this.responseFrames.write(writer, frames);
  }
}

/** Requests by HTTPRoute and GRPCRoute, and by the backends of their rules. */
export class OutboundRouteFamilies implements OutboundRouteRecorder {
  readonly #http: OutboundProtocol;
  readonly #grpc: OutboundProtocol;

  constructor(capacity: number) {
    this.#http = new OutboundProtocol(capacity, 'http');
    this.#grpc = new OutboundProtocol(capacity, 'grpc');
  }

  #of(isGrpc: boolean): OutboundProtocol {
    return isGrpc ? this.#grpc : this.#http;
  }

  ended(entry: ServiceEntry, { origin, series }: PolicyEntry, outcome: RouteOutcome): void {
    if (series === null) return;
    const { isGrpc, route } = series;
    const protocol = this.#of(isGrpc);
    const status = statusOf(isGrpc, outcome.status, outcome.grpcStatus);
    protocol.ended(ownSeries(protocol, route, entry, origin), status, outcome);
  }

  attempted(entry: ServiceEntry, policy: PolicyEntry, share: ShareEntry): void {
    if (policy.series === null) return;
    const protocol = this.#of(policy.series.isGrpc);
    protocol.backend.requests.add(seriesOf(protocol, policy.series.backends[share.index]!, entry, policy, share));
  }

  attemptEnded(entry: ServiceEntry, policy: PolicyEntry, share: ShareEntry, outcome: RouteOutcome): void {
    if (policy.series === null) return;
    const { isGrpc, backends } = policy.series;
    const protocol = this.#of(isGrpc);
    const series = seriesOf(protocol, backends[share.index]!, entry, policy, share);
    protocol.attemptEnded(series, statusOf(isGrpc, outcome.status, outcome.grpcStatus), outcome);
  }

  requestMeter(entry: ServiceEntry, { origin, series }: PolicyEntry): BodyMeter | null {
    if (series === null) return null;
    const protocol = this.#of(series.isGrpc);
    return protocol.requestFrames.of(ownSeries(protocol, series.route, entry, origin));
  }

  responseMeter(entry: ServiceEntry, policy: PolicyEntry, share: ShareEntry): BodyMeter | null {
    if (policy.series === null) return null;
    const protocol = this.#of(policy.series.isGrpc);
    const series = seriesOf(protocol, policy.series.backends[share.index]!, entry, policy, share);
    return protocol.responseFrames.of(series);
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

/** Of a policy: `holder` is where it is remembered. */
function ownSeries(
  { route: { table } }: OutboundProtocol,
  holder: SeriesHolder,
  entry: ServiceEntry,
  origin: PolicyEntry['origin'],
): number {
  return table.holds(holder) ? holder.series : table.bind(holder, routeLabelsOf(entry, origin));
}

/** Of a share of a policy: `holder` is where it is remembered. */
function seriesOf(
  { backend: { table } }: OutboundProtocol,
  holder: SeriesHolder,
  entry: ServiceEntry,
  { origin }: PolicyEntry,
  { backend }: ShareEntry,
): number {
  if (table.holds(holder)) return holder.series;
  const labels = renderLabels(metaLabels('backend', backend.meta));
  return table.bind(holder, joinLabels(routeLabelsOf(entry, origin), labels));
}
