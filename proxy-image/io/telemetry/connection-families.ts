import type { Meta } from '../../contract/policy/meta.ts';
import type { OutboundProtocol } from '../../contract/policy/protocol.ts';
import type { PortPolicyEntry } from '../../core/policy/policy.ts';
import type { Destination, DestinationEntry } from '../../core/state/entries.ts';
import type { SessionProtocol } from '../../core/state/protocol.ts';
import type { ConnectionRecorder, Detection, StreamError } from './connection-recorder.ts';
import { type Counted, LabelSets } from './label-sets.ts';
import { joinLabels, renderLabels } from './labels.ts';
import { objectLabels } from './series-labels.ts';
import { defaultParentLabels, parentLabels, routeLabels } from './service-labels.ts';
import type { TextWriter } from './text-writer.ts';

/** `result` (linkerd2-proxy: http detect metrics). An application's own TLS is not HTTP either. */
const RESULTS: Readonly<Record<Detection, string>> = {
  http1: 'http/1',
  http2: 'h2',
  tls: 'not_http',
  opaque: 'not_http',
  timeout: 'read_timeout',
  lost: 'error',
};
/** Seconds (linkerd2-proxy: http detect metrics). */
const DETECT_BOUNDS = [0.001, 0.1];

/** `protocol` (linkerd2-proxy: outbound protocol metrics). */
const PROTOCOLS: Readonly<Record<OutboundProtocol, string>> = {
  http1: 'http/1',
  http2: 'http/2',
  detect: 'detect',
  opaque: 'opaq',
};
/** `session_protocol` (linkerd2-proxy: direct metrics). */
const SESSIONS: Readonly<Record<SessionProtocol, string>> = { http1: 'http/1', http2: 'http/2', opaque: '' };

/** What Linkerd calls the route of streams to a Service that has none of its own. */
const STREAM_ROUTE: Meta = { group: '', kind: 'default', namespace: '', name: 'opaq', section: '', port: 0 };

/** Counts by the values of one more label, of which there are few. */
type Tally = Map<string, number>;

function count(tally: Tally, value: string): void {
  tally.set(value, (tally.get(value) ?? 0) + 1);
}

class Detections implements Counted {
  lastUsed = 0;
  readonly results: Tally = new Map();
  readonly seconds: number[] = DETECT_BOUNDS.map(() => 0).concat(0);
  secondsSum = 0;

  record(result: Detection, tookMs: number): void {
    count(this.results, RESULTS[result]);
    const seconds = tookMs / 1000;
    const bucket = DETECT_BOUNDS.findIndex((bound) => seconds <= bound);
    this.seconds[bucket === -1 ? DETECT_BOUNDS.length : bucket]! += 1;
    this.secondsSum += seconds;
  }
}

class Arrivals implements Counted {
  lastUsed = 0;
  readonly protocols: Tally = new Map();
}

class Streams implements Counted {
  lastUsed = 0;
  opened = 0;
  open = 0;
  readonly closed: Tally = new Map();
}

class Connections implements Counted {
  lastUsed = 0;
  count = 0;
}

/** What is counted of connections under Linkerd's names, whatever is sent on them. */
export class ConnectionFamilies implements ConnectionRecorder {
  readonly #inbound: LabelSets<Detections>;
  readonly #outbound: LabelSets<Detections>;
  readonly #arrivals: LabelSets<Arrivals>;
  readonly #streams: LabelSets<Streams>;
  readonly #headers: LabelSets<Connections>;
  /** Labels of what was seen before: entries are replaced when they change. */
  readonly #texts = new WeakMap<object, string>();

  /** `capacity`: label sets of each family. */
  constructor(capacity: number) {
    this.#inbound = new LabelSets(capacity, () => new Detections());
    this.#outbound = new LabelSets(capacity, () => new Detections());
    this.#arrivals = new LabelSets(capacity, () => new Arrivals());
    this.#streams = new LabelSets(capacity, () => new Streams());
    this.#headers = new LabelSets(capacity, () => new Connections());
  }

  destined(destination: Destination, declared: OutboundProtocol): void {
    count(this.#arrivals.of(this.#parentOf(destination)).protocols, PROTOCOLS[declared]);
  }

  outboundDetected(destination: Destination, result: Detection, tookMs: number): void {
    this.#outbound.of(this.#parentOf(destination)).record(result, tookMs);
  }

  inboundDetected(policy: PortPolicyEntry, result: Detection, tookMs: number): void {
    const labels = this.#remembered(policy, () =>
      renderLabels([...objectLabels('srv', policy.server), ['srv_port', String(policy.port)]]),
    );
    this.#inbound.of(labels).record(result, tookMs);
  }

  headerRead(session: SessionProtocol, port: number, clientId: string): void {
    const labels = renderLabels([
      ['session_protocol', SESSIONS[session]],
      ['target_port', String(port)],
      ['target_name', ''],
      ['client_id', clientId],
    ]);
    this.#headers.of(labels).count += 1;
  }

  streamOpened(destination: Destination): void {
    const streams = this.#streams.of(this.#parentOf(destination));
    streams.opened += 1;
    streams.open += 1;
  }

  streamClosed(destination: Destination, error: StreamError): void {
    const streams = this.#streams.of(this.#parentOf(destination));
    streams.open -= 1;
    count(streams.closed, error);
  }

  #parentOf({ entry, port }: Destination): string {
    if (entry === null) return defaultParentLabels('fallback', port);
    return this.#remembered(entry, () => parentOf(entry, port));
  }

  #remembered(key: object, render: () => string): string {
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const text = render();
    this.#texts.set(key, text);
    return text;
  }

  /** See `ProxyRecorder.evictIdle`. */
  advance(epoch: number, before: number): void {
    for (const sets of [this.#inbound, this.#outbound, this.#arrivals, this.#headers]) sets.advance(epoch, before);
    this.#streams.advance(epoch, before, ({ open }) => open > 0);
  }

  write(writer: TextWriter): void {
    writeDetections(writer, 'inbound', this.#inbound);
    writeDetections(writer, 'outbound', this.#outbound);
    const help = 'Connections of the application, by what is declared to be spoken';
    const arrivals = writer.counter('outbound_tcp_protocol_connections_total', help);
    for (const [labels, { protocols }] of this.#arrivals) writeTally(writer, arrivals, labels, 'protocol', protocols);
    this.#writeStreams(writer);
    const read = 'Connections of other proxies that have said what they are for';
    const headers = writer.counter('inbound_tcp_transport_header_connections_total', read);
    for (const [labels, { count }] of this.#headers) writer.sample(headers, labels, count);
  }

  #writeStreams(writer: TextWriter): void {
    const streams = [...this.#streams].map(
      ([labels, counted]) => [joinLabels(labels, routeLabels(STREAM_ROUTE)), counted] as const,
    );
    const opened = writer.counter('outbound_tcp_route_open_total', 'Connections of the application carried as bytes');
    for (const [labels, { opened: value }] of streams) writer.sample(opened, labels, value);
    const closed = writer.counter('outbound_tcp_route_close_total', 'Of these, those that have ended');
    for (const [labels, { closed: tally }] of streams) writeTally(writer, closed, labels, 'error', tally);
  }
}

/** Addresses that are no Service's have a parent of Linkerd's own: `endpoint` for a pod, `fallback` for any other. */
function parentOf(entry: DestinationEntry, port: number): string {
  if (entry.kind === 'service') return parentLabels(entry);
  return defaultParentLabels(entry.kind === 'pod' ? 'endpoint' : 'fallback', port);
}

function writeDetections(writer: TextWriter, direction: 'inbound' | 'outbound', sets: LabelSets<Detections>): void {
  const prefix = `${direction}_tcp_detect_http`;
  const seconds = writer.family(
    `${prefix}_duration_seconds`,
    'histogram',
    'Seconds until it was known what a client speaks',
  );
  for (const [labels, counted] of sets) {
    writer.histogram(seconds, labels, DETECT_BOUNDS, counted.seconds, counted.secondsSum);
  }
  const results = writer.counter(`${prefix}_results_total`, 'Clients that were listened to, by what they speak');
  for (const [labels, counted] of sets) writeTally(writer, results, labels, 'result', counted.results);
}

function writeTally(writer: TextWriter, name: string, labels: string, label: string, tally: Tally): void {
  for (const [value, count] of tally) writer.sample(name, joinLabels(labels, `${label}="${value}"`), count);
}
