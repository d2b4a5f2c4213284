import type { Clock } from '../../../lib/clock.ts';
import type { ProxyState, StateStatus } from '../../core/state/state.ts';
import type { LoopLag } from '../transport/awake-clock.ts';
import { writeBalancers } from './balancers.ts';
import { renderLabels } from './labels.ts';
import type { ProcessFacts } from './process.ts';
import type { ProxyRecorder } from './proxy-recorder.ts';
import { formatValue, TextWriter } from './text-writer.ts';

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
  recorder.transports.write(writer);
  writePolicy(writer, recorder);
  writeErrors(writer, recorder);
  writeRefusals(writer, recorder);
  writeCertificate(writer, recorder);
  writeConfiguration(writer, sources.state.status, sources.clock.nowMs());
  writeVersions(writer, sources.state.held());
  writeDestinations(writer, recorder, sources.state.status);
  writeBuild(writer, sources.build);
  writeProcess(writer, recorder, sources.process());
  writeLoopLag(writer, sources.loopLag);
  return writer.toString();
}

function writeRequests(writer: TextWriter, { inbound, outbound }: ProxyRecorder): void {
  writer.family('request_total', 'counter', 'Requests sent on, per attempt');
  for (const families of [inbound, outbound]) families.writeRequests(writer, 'request_total');
  writer.family('response_total', 'counter', 'Responses and failures to get one, per attempt');
  for (const families of [inbound, outbound]) families.writeResponses(writer, 'response_total');
  writer.family(
    'response_latency_ms',
    'histogram',
    'Milliseconds from the request head to the first byte of the response body',
  );
  for (const families of [inbound, outbound]) families.writeLatencies(writer, 'response_latency_ms');
}

function writeRoutes(writer: TextWriter, { route, routeActual, retryable, retrySkipped }: ProxyRecorder): void {
  writer.family('route_request_total', 'counter', 'Requests by ServiceProfile route');
  route.writeRequests(writer, 'route_request_total');
  writer.family('route_response_total', 'counter', 'Responses by ServiceProfile route, after retries');
  route.writeResponses(writer, 'route_response_total');
  writer.family('route_response_latency_ms', 'histogram', 'Milliseconds by ServiceProfile route, retries included');
  route.writeLatencies(writer, 'route_response_latency_ms');
  writer.family('route_actual_request_total', 'counter', 'Attempts by ServiceProfile route, retries included');
  routeActual.writeRequests(writer, 'route_actual_request_total');
  writer.family(
    'route_actual_response_total',
    'counter',
    'Responses to attempts by ServiceProfile route, retries included',
  );
  routeActual.writeResponses(writer, 'route_actual_response_total');
  writer.family('route_retryable_total', 'counter', 'Responses that a route would retry; skipped="no_budget" were not');
  retryable.write(writer, 'route_retryable_total');
  retrySkipped.write(writer, 'route_retryable_total', 'skipped="no_budget"');
}

function writePolicy(writer: TextWriter, { authorizations, routeNotFound, rateLimited }: ProxyRecorder): void {
  const { http, tcp } = authorizations;
  writer.family('inbound_http_authz_allow_total', 'counter', 'Requests authorized');
  http.allow.write(writer, 'inbound_http_authz_allow_total');
  writer.family('inbound_http_authz_deny_total', 'counter', 'Requests denied');
  http.deny.write(writer, 'inbound_http_authz_deny_total');
  writer.family('inbound_http_route_not_found_total', 'counter', 'Requests that no route of the Server matches');
  routeNotFound.write(writer, 'inbound_http_route_not_found_total');
  writer.family('inbound_http_local_ratelimit_total', 'counter', 'Requests refused by a rate limit');
  rateLimited.write(writer, 'inbound_http_local_ratelimit_total');
  writer.family('inbound_tcp_authz_allow_total', 'counter', 'Opaque connections authorized');
  tcp.allow.write(writer, 'inbound_tcp_authz_allow_total');
  writer.family('inbound_tcp_authz_deny_total', 'counter', 'Opaque connections denied');
  tcp.deny.write(writer, 'inbound_tcp_authz_deny_total');
  writer.family('inbound_tcp_authz_terminate_total', 'counter', 'Opaque connections ended by a change of policy');
  tcp.terminate.write(writer, 'inbound_tcp_authz_terminate_total');
}

function writeErrors(writer: TextWriter, { inboundErrors, outboundErrors }: ProxyRecorder): void {
  writer.family('inbound_http_errors_total', 'counter', 'Inbound HTTP errors of the proxy');
  inboundErrors.http.write(writer, 'inbound_http_errors_total');
  writer.family('inbound_tcp_errors_total', 'counter', 'Inbound TCP errors of the proxy');
  inboundErrors.tcp.write(writer, 'inbound_tcp_errors_total');
  writer.family('outbound_http_errors_total', 'counter', 'Outbound HTTP errors of the proxy');
  outboundErrors.http.write(writer, 'outbound_http_errors_total');
  writer.family('outbound_tcp_errors_total', 'counter', 'Outbound TCP errors of the proxy');
  outboundErrors.tcp.write(writer, 'outbound_tcp_errors_total');
}

function writeRefusals(writer: TextWriter, { refusals, refusedRequests }: ProxyRecorder): void {
  const connections = 'weft_connections_refused_total';
  writer.family(connections, 'counter', 'Connections of clients that the proxy ended by its own decision');
  for (const [direction, counters] of Object.entries(refusals)) {
    counters.write(writer, connections, `direction="${direction}"`);
  }
  const requests = 'weft_requests_refused_total';
  writer.family(requests, 'counter', 'What clients sent that is no request, or did not go on with');
  for (const [direction, counters] of Object.entries(refusedRequests)) {
    counters.write(writer, requests, `direction="${direction}"`);
  }
}

function writeCertificate(writer: TextWriter, { certificate }: ProxyRecorder): void {
  const gauge = (name: string, help: string, value: number) => writeOne(writer, name, 'gauge', help, value);
  gauge(
    'control_identity_cert_expiration_timestamp_seconds',
    'Unix time when the certificate expires; 0 = none yet',
    certificate.expiresAtSeconds,
  );
  gauge(
    'control_identity_cert_refresh_timestamp_seconds',
    'Unix time when the certificate was last renewed; 0 = none yet',
    certificate.refreshedAtSeconds,
  );
  writeOne(writer, 'control_identity_cert_refreshes_total', 'counter', 'Certificates received', certificate.refreshes);
}

function writeConfiguration(writer: TextWriter, status: StateStatus, nowMs: number): void {
  const gauge = (name: string, help: string, value: number) => writeOne(writer, name, 'gauge', help, value);
  gauge('weft_config_connected', '1 while the configuration source is connected', status.connected ? 1 : 0);
  gauge(
    'weft_config_staleness_seconds',
    'Seconds since the configuration source was last heard; +Inf before the first time',
    (nowMs - status.lastContactMs) / 1000,
  );
  gauge('weft_config_resources', 'Resources held', status.resources);
  gauge('weft_config_revision', 'Changes that took effect since start', status.revision);
  writeOne(
    writer,
    'weft_config_rejections_total',
    'counter',
    'Resources refused, or applied without some of their rules',
    status.rejections,
  );
}

/** Only of the two resources that every proxy has one of: one per destination would be a series per destination. */
function writeVersions(writer: TextWriter, held: readonly { key: string; version: string }[]): void {
  writer.family('weft_config_version_info', 'gauge', 'Always 1; version in force of the resource');
  for (const { key, version } of held) {
    const resource = key.split('/', 1)[0]!;
    if (resource !== 'workload' && resource !== 'trust') continue;
    writer.sample('weft_config_version_info', renderLabels(Object.entries({ resource, version })), 1);
  }
}

function writeDestinations(writer: TextWriter, recorder: ProxyRecorder, status: StateStatus): void {
  writeOne(writer, 'weft_outbound_destinations', 'gauge', 'Original destinations held', status.destinations);
  const { unseenPassed, unseenDenied } = recorder;
  const unseen = 'Connections to destinations that were not known in time, spliced without TLS or refused';
  writer.family('weft_outbound_unseen_total', 'counter', unseen);
  writer.sample('weft_outbound_unseen_total', 'action="passed_through"', unseenPassed);
  writer.sample('weft_outbound_unseen_total', 'action="refused"', unseenDenied);
}

function writeBuild(writer: TextWriter, build: Readonly<Record<string, string>>): void {
  writer.family('proxy_build_info', 'gauge', 'Always 1; what this proxy is');
  writer.sample('proxy_build_info', renderLabels(Object.entries(build)), 1);
}

function writeProcess(writer: TextWriter, recorder: ProxyRecorder, facts: ProcessFacts): void {
  const gauge = (name: string, help: string, value: number) => writeOne(writer, name, 'gauge', help, value);
  gauge('process_start_time_seconds', 'Unix time of the start of the process', recorder.startedAtSeconds);
  writeOne(writer, 'process_cpu_seconds_total', 'counter', 'CPU seconds, user and system', facts.cpuSeconds);
  gauge('process_resident_memory_bytes', 'Resident memory', facts.residentBytes);
  gauge('process_open_fds', 'Open file descriptors', facts.openFds);
  gauge('process_max_fds', 'Most file descriptors', facts.maxFds);
}

function writeLoopLag(writer: TextWriter, { boundsSeconds, counts, sumSeconds }: LoopLag): void {
  const name = 'process_loop_lag_seconds';
  writer.family(name, 'histogram', 'Seconds by which the event loop came late to its timers');
  let count = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) {
    count += counts[bucket]!;
    writer.sample(`${name}_bucket`, `le="${formatValue(boundsSeconds[bucket] ?? Number.POSITIVE_INFINITY)}"`, count);
  }
  writer.sample(`${name}_sum`, '', sumSeconds);
  writer.sample(`${name}_count`, '', count);
}

function writeOne(writer: TextWriter, name: string, type: 'counter' | 'gauge', help: string, value: number): void {
  writer.family(name, type, help);
  writer.sample(name, '', value);
}
