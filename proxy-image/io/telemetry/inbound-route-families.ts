import type { Clock } from '../../../lib/clock.ts';
import type { RuleFacts } from '../../core/policy/decision.ts';
import type { PortPolicyEntry } from '../../core/policy/policy.ts';
import type { BodyMeter } from '../../http/body-meter.ts';
import type { FrameSizes } from './frame-sizes.ts';
import { renderLabels } from './labels.ts';
import type { InboundOutcome, InboundRouteRecorder } from './recorder.ts';
import { type Durations, RouteOutcomes, statusOf, statusText } from './route-outcomes.ts';
import { objectLabels } from './series-labels.ts';
import type { TextWriter } from './text-writer.ts';

/** Seconds (linkerd2-proxy: inbound http metrics). */
const REQUEST_BOUNDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10];
const RESPONSE_BOUNDS = [0.05, 0.5, 1, 10];

/** One protocol's families, `inbound_http_*` or `inbound_grpc_*`. */
class InboundProtocol {
  readonly outcomes: RouteOutcomes;
  readonly #requestSeconds: Durations;
  readonly #responseSeconds: Durations;
  readonly requestFrames: FrameSizes;
  readonly responseFrames: FrameSizes;
  readonly #prefix: string;

  constructor(capacity: number, protocol: 'http' | 'grpc') {
    this.#prefix = `inbound_${protocol}`;
    // The number of an outcome: status and one.
    this.outcomes = new RouteOutcomes(capacity, (code) => renderLabels([['status', statusText(code - 1)]]));
    this.#requestSeconds = this.outcomes.durations(REQUEST_BOUNDS);
    this.#responseSeconds = this.outcomes.durations(RESPONSE_BOUNDS);
    this.requestFrames = this.outcomes.frames();
    this.responseFrames = this.outcomes.frames();
  }

  seriesOf(policy: PortPolicyEntry, { meta, series: holder }: RuleFacts): number {
    const { table } = this.outcomes;
    return table.holds(holder) ? holder.series : table.bind(holder, labelsOf(policy, meta));
  }

  ended(series: number, status: number, { startedMs }: InboundOutcome, sentMs: number, nowMs: number): void {
    this.outcomes.statuses.add(series, status + 1);
    this.#requestSeconds.record(series, nowMs - startedMs);
    if (sentMs > 0) this.#responseSeconds.record(series, nowMs - sentMs);
  }

  write(writer: TextWriter): void {
    const family = (name: string, kind: 'counter' | 'histogram', help: string) => {
      return writer.family(`${this.#prefix}_${name}`, kind, help);
    };
    const { requests, statuses } = this.outcomes;
    requests.write(writer, family('requests_total', 'counter', 'Requests that a route of a Server has let in'));
    statuses.write(writer, family('statuses_total', 'counter', 'Of these, those that have ended, by status'));
    const whole = family(
      'request_duration_seconds',
      'histogram',
      'Seconds from the request to the end of its response',
    );
    this.#requestSeconds.write(writer, whole);
    const response = family('response_duration_seconds', 'histogram', 'Seconds from the end of the request on');
    this.#responseSeconds.write(writer, response);
    this.requestFrames.write(writer, family('request_frame_size_bytes', 'histogram', 'Pieces of bodies of requests'));
    this.responseFrames.write(
      writer,
      family('response_frame_size_bytes', 'histogram', 'Pieces of bodies of responses'),
    );
  }
}

/** Without the client, unlike the families of policy: a label for each would be a histogram for each. */
function labelsOf({ server, port }: PortPolicyEntry, route: RuleFacts['meta']): string {
  return renderLabels([
    ...objectLabels('parent', server),
    ['parent_port', String(port)],
    ...objectLabels('route', route),
  ]);
}

/** Requests by the routes that are attached to Servers. */
export class InboundRouteFamilies implements InboundRouteRecorder {
  readonly #http: InboundProtocol;
  readonly #grpc: InboundProtocol;
  readonly #clock: Clock;

  constructor(capacity: number, clock: Clock) {
    this.#http = new InboundProtocol(capacity, 'http');
    this.#grpc = new InboundProtocol(capacity, 'grpc');
    this.#clock = clock;
  }

  began(policy: PortPolicyEntry, rule: RuleFacts): void {
    const protocol = isGrpc(rule) ? this.#grpc : this.#http;
    protocol.outcomes.requests.add(protocol.seriesOf(policy, rule));
  }

  ended(policy: PortPolicyEntry, rule: RuleFacts, outcome: InboundOutcome, sentMs: number): void {
    const grpc = isGrpc(rule);
    const protocol = grpc ? this.#grpc : this.#http;
    const status = statusOf(grpc, outcome.status, outcome.grpcStatus);
    protocol.ended(protocol.seriesOf(policy, rule), status, outcome, sentMs, this.#clock.nowMs());
  }

  requestMeter(policy: PortPolicyEntry, rule: RuleFacts): BodyMeter {
    const protocol = isGrpc(rule) ? this.#grpc : this.#http;
    return protocol.requestFrames.of(protocol.seriesOf(policy, rule));
  }

  responseMeter(policy: PortPolicyEntry, rule: RuleFacts): BodyMeter {
    const protocol = isGrpc(rule) ? this.#grpc : this.#http;
    return protocol.responseFrames.of(protocol.seriesOf(policy, rule));
  }

  advance(epoch: number, before: number): void {
    this.#http.outcomes.advance(epoch, before);
    this.#grpc.outcomes.advance(epoch, before);
  }

  write(writer: TextWriter): void {
    this.#http.write(writer);
    this.#grpc.write(writer);
  }
}

/** All routes of a Server are of one kind (`crds/compile/inbound/rules.ts`). */
function isGrpc({ meta }: RuleFacts): boolean {
  return meta.kind === 'GRPCRoute';
}
