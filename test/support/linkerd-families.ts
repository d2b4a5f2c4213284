/** Families of Linkerd's proxy (2.20), with and without `{a,b}` for alternatives: docs/metrics.md says of each that it is there, or why it is not. */
const PATTERNS = [
  'request_total',
  'response_{total,latency_ms}',
  'route_{request_total,response_total,response_latency_ms,actual_request_total,actual_response_total,retryable_total}',
  'control_{request_total,response_total,response_latency_ms,dns_resolutions_total}',
  'control_identity_cert_{expiration_timestamp_seconds,refresh_timestamp_seconds,refreshes_total}',
  'tcp_{open_total,open_connections,close_total,read_bytes_total,write_bytes_total}',
  'inbound_http_{authz_allow_total,authz_deny_total,route_not_found_total,local_ratelimit_total}',
  'inbound_tcp_authz_{allow,deny,terminate}_total',
  '{inbound,outbound}_{http,tcp}_errors_total',
  'stack_{create_total,drop_total,poll_total,poll_total_ms}',
  'outbound_{http,grpc}_route_request_{duration_seconds,statuses_total,frame_size_bytes}',
  'outbound_{http,grpc}_route_retry_{requests,successes,limit_exceeded,overflow}_total',
  'outbound_{http,grpc}_route_backend_{requests_total,response_duration_seconds,response_statuses_total,response_frame_size_bytes}',
  'outbound_{http,tcp}_balancer_{endpoints,p2c_endpoints,p2c_updates_total,queue_length,queue_requests_total}',
  'outbound_{http,tcp}_balancer_{queue_latency_seconds,queue_gate_open_total,queue_gate_shut_total,queue_gate_timeout_seconds}',
  'outbound_{tcp,tls}_route_{open,close}_total',
  'outbound_{http,tcp}_balancer_{queue_gate_open_time_seconds,queue_gate_shut_time_seconds}',
  'outbound_tcp_{protocol_connections,transfer_cost_bytes}_total',
  '{inbound,outbound}_tcp_detect_http_{duration_seconds,results_total}',
  'inbound_{http,grpc}_{requests_total,statuses_total,request_duration_seconds,response_duration_seconds}',
  'inbound_{http,grpc}_{request,response}_frame_size_bytes',
  'inbound_tcp_transport_header_connections_total',
  'opentelemetry_span_export_{streams,requests,exports}_total',
  'proxy_build_info',
  'rustls_info',
  'process_{start_time_seconds,cpu_seconds_total,resident_memory_bytes,open_fds,max_fds}',
];

export const LINKERD_FAMILIES: ReadonlySet<string> = new Set(PATTERNS.flatMap(expanded));

function expanded(pattern: string): string[] {
  const [, before, alternatives, after] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(pattern) ?? [];
  if (before === undefined || alternatives === undefined || after === undefined) return [pattern];
  return alternatives.split(',').flatMap((each) => expanded(before + each + after));
}
