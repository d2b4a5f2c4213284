import type { Clock } from '../../../lib/clock.ts';
import type { ProxyState, StateStatus } from '../../core/state/state.ts';
import type { LoopLag } from '../transport/awake-clock.ts';
import { writeBalancers } from './balancers.ts';
import { writeControl } from './control-families.ts';
import { renderLabels } from './labels.ts';
import type { ProcessFacts } from './process.ts';
import type { ProxyRecorder } from './proxy-recorder.ts';
import { TextWriter } from './text-writer.ts';
import { writeTransports } from './transport-families.ts';

export interface ExpositionSources {
  clock: Clock;
  recorder: ProxyRecorder;
  state: Pick<ProxyState, 'status' | 'held' | 'services'>;
  process(): ProcessFacts;
  loopLag: LoopLag;
  /** `version`, `git_sha` and the like. */
  build: Readonly<Record<string, string>>;
}

/** Everything `/metrics` says, in the Prometheus text format. */
export function renderMetrics(sources: ExpositionSources): string {
  const writer = new TextWriter();
  const { recorder } = sources;
  writeRequests(writer, recorder);
  writeRoutes(writer, recorder);
  recorder.policyRoutes?.write(writer);
  recorder.services.writeRetries(writer);
  writeBalancers(writer, sources.state.services(), sources.clock.nowMs());
  recorder.services.writeBreaker(writer);
  writeTransports(writer, recorder.transports);
  recorder.connectionFamilies?.write(writer);
  writePolicy(writer, recorder);
  writeErrors(writer, recorder);
  writeRefusals(writer, recorder);
  writeCertificate(writer, recorder);
  writeControl(writer, recorder.control);
  writeConfiguration(writer, sources.state.status, sources.clock.nowMs());
  writeVersions(writer, sources.state.held());
  writeDestinations(writer, recorder, sources.state.status);
  writeBuild(writer, sources.build);
  writeProcess(writer, recorder, sources.process());
  writeLoopLag(writer, sources.loopLag);
  return writer.toString();
}

function writeRequests(writer: TextWriter, { inbound, outbound }: ProxyRecorder): void {
  const both = [inbound, outbound];
  const requests = writer.counter('request_total', 'Requests sent on, per attempt');
  for (const families of both) families.writeRequests(writer, requests);
  const responses = writer.counter('response_total', 'Responses and failures to get one, per attempt');
  for (const families of both) families.writeResponses(writer, responses);
  const firstByte = 'Milliseconds from the request head to the first byte of the response body';
  const latencies = writer.family('response_latency_ms', 'histogram', firstByte);
  for (const families of both) families.writeLatencies(writer, latencies);
}

function writeRoutes(writer: TextWriter, { route, routeActual, retryable, retrySkipped }: ProxyRecorder): void {
  route.writeRequests(writer, writer.counter('route_request_total', 'Requests by ServiceProfile route'));
  route.writeResponses(
    writer,
    writer.counter('route_response_total', 'Responses by ServiceProfile route, after retries'),
  );
  route.writeLatencies(
    writer,
    writer.family('route_response_latency_ms', 'histogram', 'Milliseconds by ServiceProfile route, retries included'),
  );
  routeActual.writeRequests(
    writer,
    writer.counter('route_actual_request_total', 'Attempts by ServiceProfile route, retries included'),
  );
  routeActual.writeResponses(
    writer,
    writer.counter('route_actual_response_total', 'Responses to attempts by ServiceProfile route, retries included'),
  );
  const help = 'Responses that a route would retry; skipped="no_budget" were not';
  const name = writer.counter('route_retryable_total', help);
  retryable.write(writer, name);
  retrySkipped.write(writer, name, 'skipped="no_budget"');
}

function writePolicy(writer: TextWriter, { authorizations, routeNotFound, rateLimited }: ProxyRecorder): void {
  const { http, tcp } = authorizations;
  http.allow.write(writer, writer.counter('inbound_http_authz_allow_total', 'Requests authorized'));
  http.deny.write(writer, writer.counter('inbound_http_authz_deny_total', 'Requests denied'));
  routeNotFound.write(
    writer,
    writer.counter('inbound_http_route_not_found_total', 'Requests that no route of the Server matches'),
  );
  rateLimited.write(writer, writer.counter('inbound_http_local_ratelimit_total', 'Requests refused by a rate limit'));
  tcp.allow.write(writer, writer.counter('inbound_tcp_authz_allow_total', 'Opaque connections authorized'));
  tcp.deny.write(writer, writer.counter('inbound_tcp_authz_deny_total', 'Opaque connections denied'));
  tcp.terminate.write(
    writer,
    writer.counter('inbound_tcp_authz_terminate_total', 'Opaque connections ended by a change of policy'),
  );
}

function writeErrors(writer: TextWriter, { inboundErrors, outboundErrors }: ProxyRecorder): void {
  inboundErrors.http.write(writer, writer.counter('inbound_http_errors_total', 'Inbound HTTP errors of the proxy'));
  inboundErrors.tcp.write(writer, writer.counter('inbound_tcp_errors_total', 'Inbound TCP errors of the proxy'));
  outboundErrors.http.write(writer, writer.counter('outbound_http_errors_total', 'Outbound HTTP errors of the proxy'));
  outboundErrors.tcp.write(writer, writer.counter('outbound_tcp_errors_total', 'Outbound TCP errors of the proxy'));
}

function writeRefusals(writer: TextWriter, { refusals, refusedRequests }: ProxyRecorder): void {
  const ended = 'Connections of clients that the proxy ended by its own decision';
  const connections = writer.counter('weft_connections_refused_total', ended);
  for (const [direction, counters] of Object.entries(refusals)) {
    counters.write(writer, connections, `direction="${direction}"`);
  }
  const unheard = 'What clients sent that is no request, or did not go on with';
  const requests = writer.counter('weft_requests_refused_total', unheard);
  for (const [direction, counters] of Object.entries(refusedRequests)) {
    counters.write(writer, requests, `direction="${direction}"`);
  }
}

function writeCertificate(writer: TextWriter, { certificate }: ProxyRecorder): void {
  writer.gauge(
    'control_identity_cert_expiration_timestamp_seconds',
    'Unix time when the certificate expires; 0 = none yet',
    certificate.expiresAtSeconds,
  );
  writer.gauge(
    'control_identity_cert_refresh_timestamp_seconds',
    'Unix time when the certificate was last renewed; 0 = none yet',
    certificate.refreshedAtSeconds,
  );
  writer.sample(
    writer.counter('control_identity_cert_refreshes_total', 'Certificates received'),
    '',
    certificate.refreshes,
  );
}

function writeConfiguration(writer: TextWriter, status: StateStatus, nowMs: number): void {
  writer.gauge('weft_config_connected', '1 while the configuration source is connected', status.connected ? 1 : 0);
  writer.gauge(
    'weft_config_staleness_seconds',
    'Seconds since the configuration source was last heard; +Inf before the first time',
    (nowMs - status.lastContactMs) / 1000,
  );
  writer.gauge('weft_config_resources', 'Resources held', status.resources);
  writer.gauge('weft_config_revision', 'Changes that took effect since start', status.revision);
  writer.sample(
    writer.counter('weft_config_rejections_total', 'Resources refused, or applied without some of their rules'),
    '',
    status.rejections,
  );
}

/** Only of the two resources that every proxy has one of: one per destination would be a series per destination. */
function writeVersions(writer: TextWriter, held: readonly { key: string; version: string }[]): void {
  const name = writer.family('weft_config_version_info', 'gauge', 'Always 1; version in force of the resource');
  for (const { key, version } of held) {
    const resource = key.split('/', 1)[0]!;
    if (resource !== 'workload' && resource !== 'trust') continue;
    writer.sample(name, renderLabels(Object.entries({ resource, version })), 1);
  }
}

function writeDestinations(writer: TextWriter, recorder: ProxyRecorder, status: StateStatus): void {
  writer.gauge('weft_outbound_destinations', 'Original destinations held', status.destinations);
  const { unseenPassed, unseenDenied } = recorder;
  const unseen = 'Connections to destinations that were not known in time, spliced without TLS or refused';
  const name = writer.counter('weft_outbound_unseen_total', unseen);
  writer.sample(name, 'action="passed_through"', unseenPassed);
  writer.sample(name, 'action="refused"', unseenDenied);
}

function writeBuild(writer: TextWriter, build: Readonly<Record<string, string>>): void {
  const name = writer.family('proxy_build_info', 'gauge', 'Always 1; what this proxy is');
  writer.sample(name, renderLabels(Object.entries(build)), 1);
}

function writeProcess(writer: TextWriter, recorder: ProxyRecorder, facts: ProcessFacts): void {
  writer.gauge('process_start_time_seconds', 'Unix time of the start of the process', recorder.startedAtSeconds);
  writer.sample(writer.counter('process_cpu_seconds_total', 'CPU seconds, user and system'), '', facts.cpuSeconds);
  writer.gauge('process_resident_memory_bytes', 'Resident memory', facts.residentBytes);
  writer.gauge('process_open_fds', 'Open file descriptors', facts.openFds);
  writer.gauge('process_max_fds', 'Most file descriptors', facts.maxFds);
}

function writeLoopLag(writer: TextWriter, { boundsSeconds, counts, sumSeconds }: LoopLag): void {
  const late = 'Seconds by which the event loop came late to its timers';
  const name = writer.family('process_loop_lag_seconds', 'histogram', late);
  writer.histogram(name, '', boundsSeconds, counts, sumSeconds);
}
