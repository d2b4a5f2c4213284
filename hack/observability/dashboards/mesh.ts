import type { Dashboard } from './model.ts';
import { quantile, rate, series, stat, table } from './traffic.ts';

const OPERATOR = 'job="weft-operator"';
const PROXIES = 'job="linkerd-proxy"';

export const controlPlane: Dashboard = {
  name: 'control-plane',
  title: 'Control plane',
  description:
    'The operator: whether it follows the API server, how fast changes reach proxies, admission, certificates.',
  variables: [],
  rows: [
    {
      title: 'State',
      panels: [
        stat(
          'short',
          { title: 'Replicas', description: 'Replicas of the operator that answer Prometheus.' },
          `sum(up{${OPERATOR}})`,
        ),
        stat(
          'short',
          { title: 'Leaders', description: 'One, but for the seconds in which the lease changes hands.' },
          `sum(leader_election_master_status{${OPERATOR}})`,
        ),
        stat(
          'short',
          { title: 'Connected proxies', description: 'Proxies that are connected to a replica.' },
          `sum(weft_config_connected_proxies{${OPERATOR}})`,
        ),
        stat(
          'short',
          { title: 'Stale caches', description: 'Caches whose content may be old.' },
          `sum(weft_config_stale_stores{${OPERATOR}})`,
        ),
        stat(
          'short',
          { title: 'Incomplete definitions', description: 'Custom resources that are not defined, or have no status.' },
          `max(weft_definitions_incomplete{${OPERATOR}})`,
        ),
        stat(
          'short',
          { title: 'Pods without a proxy', description: 'Pods that should have a proxy and have none.' },
          `sum(max by (namespace, cause) (weft_pods_without_proxy{${OPERATOR}})) or vector(0)`,
        ),
        stat(
          's',
          { title: 'Issuer ends in', description: 'Time until the issuer ends.' },
          `min(issuer_cert_ttl_seconds{${OPERATOR}})`,
        ),
      ],
    },
    {
      title: 'Configuration',
      panels: [
        series(
          's',
          {
            title: 'Change to acknowledgement',
            description: 'From a change in the cache to the acknowledgement of a proxy.',
          },
          [
            { expr: quantile(0.5, 'weft_config_propagation_seconds', OPERATOR), legend: 'p50' },
            { expr: quantile(0.99, 'weft_config_propagation_seconds', OPERATOR), legend: 'p99' },
          ],
        ),
        series(
          'ops',
          { title: 'Compilations', description: 'Resources compiled, by kind and whether the outcome changed.' },
          [
            {
              expr: rate('weft_config_compilations_total', OPERATOR, ['kind', 'changed']),
              legend: '{{kind}}, changed={{changed}}',
            },
          ],
        ),
        series('s', { title: 'Compilation, p99', description: 'Time of one compilation, by kind.' }, [
          { expr: quantile(0.99, 'weft_config_compile_seconds', OPERATOR, ['kind']), legend: '{{kind}}' },
        ]),
        series('ops', { title: 'Changes written', description: 'Resources written to proxies.' }, [
          { expr: rate('weft_config_changes_total', OPERATOR, ['pod']), legend: '{{pod}}' },
        ]),
        series('Bps', { title: 'Bytes written', description: 'Bytes written to proxies.' }, [
          { expr: rate('weft_config_sent_bytes_total', OPERATOR, ['pod']), legend: '{{pod}}' },
        ]),
        series('short', { title: 'Subscriptions', description: 'Keys that proxies subscribe to.' }, [
          { expr: `sum by (pod) (weft_config_subscriptions{${OPERATOR}})`, legend: '{{pod}}' },
        ]),
      ],
    },
    {
      title: 'Admission',
      panels: [
        series('reqps', { title: 'Reviews', description: 'Admission requests by webhook and HTTP status.' }, [
          {
            expr: rate('controller_runtime_webhook_requests_total', OPERATOR, ['webhook', 'code']),
            legend: '{{webhook}} {{code}}',
          },
        ]),
        series('s', { title: 'Latency, p99', description: 'Time of one review. The API server waits for it.' }, [
          {
            expr: quantile(0.99, 'controller_runtime_webhook_latency_seconds', OPERATOR, ['webhook']),
            legend: '{{webhook}}',
          },
        ]),
        series(
          'short',
          {
            title: 'Pods',
            description:
              'Pods that were looked at since the replicas started: injected, or left alone with the reason.',
          },
          [
            {
              expr: `sum by (skip, skip_reason) (proxy_inject_admission_responses_total{${OPERATOR}})`,
              legend: 'skip={{skip}} {{skip_reason}}',
            },
          ],
        ),
      ],
    },
    {
      title: 'API server',
      panels: [
        series('reqps', { title: 'Requests', description: 'Requests to the API server by method and status.' }, [
          { expr: rate('rest_client_requests_total', OPERATOR, ['method', 'code']), legend: '{{method}} {{code}}' },
        ]),
        series('ops', { title: 'Events', description: 'Events of watches, by kind.' }, [
          { expr: rate('weft_cache_events_total', OPERATOR, ['kind']), legend: '{{kind}}' },
        ]),
        series(
          's',
          {
            title: 'Silence',
            description: 'Since the API server last said anything about a kind; a bookmark comes about once a minute.',
          },
          [{ expr: `max by (kind) (weft_cache_silent_seconds{${OPERATOR}})`, legend: '{{kind}}' }],
        ),
        series('ops', { title: 'Reconciles', description: 'By controller and result.' }, [
          {
            expr: rate('controller_runtime_reconcile_total', OPERATOR, ['controller', 'result']),
            legend: '{{controller}} {{result}}',
          },
        ]),
        series('short', { title: 'Queues', description: 'Keys that wait for a controller.' }, [
          { expr: `sum by (name) (workqueue_depth{${OPERATOR}})`, legend: '{{name}}' },
        ]),
        series(
          'ops',
          { title: 'Missed changes', description: 'Changes that only an audit found: anything but 0 is worth a look.' },
          [{ expr: rate('weft_cache_missed_events_total', OPERATOR, ['kind']), legend: '{{kind}}' }],
        ),
      ],
    },
    {
      title: 'Certificates and connections',
      panels: [
        table(
          's',
          { title: 'Certificates end in', description: 'Time until each certificate of the control plane ends.' },
          `min by (certificate) (weft_certificate_expiry_timestamp_seconds{${OPERATOR}}) - time()`,
          8,
        ),
        series(
          'ops',
          {
            title: 'Refused connections',
            description: 'Connections that the servers of the operator refused, by reason.',
          },
          [
            {
              expr: rate('weft_server_refused_connections_total', OPERATOR, ['server', 'reason']),
              legend: '{{server}}, {{reason}}',
            },
          ],
        ),
        series(
          'short',
          {
            title: 'Renewals',
            description: 'Certificates replaced, and due but not replaced, since the replicas started.',
          },
          [
            { expr: `sum by (certificate) (weft_certificate_renewals_total{${OPERATOR}})`, legend: '{{certificate}}' },
            {
              expr: `sum by (certificate) (weft_certificate_renewal_failures_total{${OPERATOR}})`,
              legend: '{{certificate}}, failed',
            },
          ],
        ),
      ],
    },
    {
      title: 'Live numbers',
      panels: [
        series(
          'short',
          { title: 'Window', description: 'Proxies and series that role viz holds, for weft stat and its like.' },
          [
            { expr: `sum(weft_traffic_proxies{${OPERATOR}})`, legend: 'proxies' },
            { expr: `sum(weft_traffic_series{${OPERATOR}})`, legend: 'series' },
          ],
        ),
        series('bytes', { title: 'Memory of the window', description: 'What these series take, by replica.' }, [
          { expr: `sum by (pod) (weft_traffic_window_bytes{${OPERATOR}})`, legend: '{{pod}}' },
        ]),
        series(
          'ops',
          { title: 'Reports', description: 'Reports of proxies about their traffic, by what became of them.' },
          [{ expr: rate('weft_traffic_reports_total', OPERATOR, ['outcome']), legend: '{{outcome}}' }],
        ),
      ],
    },
    {
      title: 'Process',
      panels: [
        series('short', { title: 'CPU', description: 'Cores that a replica uses.' }, [
          { expr: rate('process_cpu_seconds_total', OPERATOR, ['pod']), legend: '{{pod}}' },
        ]),
        series('bytes', { title: 'Memory', description: 'Resident memory of a replica.' }, [
          { expr: `process_resident_memory_bytes{${OPERATOR}}`, legend: '{{pod}}' },
        ]),
        series(
          's',
          {
            title: 'Lag of the event loop',
            description: 'How late a replica comes to its work, at the 99th percentile.',
          },
          [{ expr: `nodejs_eventloop_lag_p99_seconds{${OPERATOR}}`, legend: '{{pod}}' }],
        ),
      ],
    },
  ],
};

export const proxyHealth: Dashboard = {
  name: 'proxy-health',
  title: 'Proxy health',
  description: 'All proxies: whether they are there, current, certified, and what they refuse.',
  variables: [],
  rows: [
    {
      title: 'State',
      panels: [
        stat('short', { title: 'Proxies', description: 'Proxies that answer Prometheus.' }, `sum(up{${PROXIES}})`),
        stat(
          'short',
          { title: 'Silent', description: 'Proxies that Prometheus knows of and that do not answer.' },
          `count(up{${PROXIES}}) - sum(up{${PROXIES}})`,
        ),
        stat(
          's',
          { title: 'Stalest', description: 'Longest time that a proxy has not heard from the control plane.' },
          `max(weft_config_staleness_seconds{${PROXIES}})`,
        ),
        stat(
          's',
          { title: 'First certificate ends in', description: 'Of those that have one.' },
          `min((control_identity_cert_expiration_timestamp_seconds{${PROXIES}} > 0) - time())`,
        ),
        stat(
          'short',
          {
            title: 'Refused configuration',
            description: 'Resources refused, or applied without some of their rules, since the proxies started.',
          },
          `sum(weft_config_rejections_total{${PROXIES}})`,
        ),
        stat(
          'short',
          { title: 'Disconnected', description: 'Proxies without a connection to the control plane.' },
          `count(weft_config_connected{${PROXIES}}) - sum(weft_config_connected{${PROXIES}})`,
        ),
      ],
    },
    {
      title: 'Versions',
      panels: [
        table(
          'short',
          { title: 'Builds', description: 'How many proxies of which version there are.' },
          `count by (version, git_sha) (proxy_build_info{${PROXIES}})`,
          12,
        ),
        series(
          'short',
          { title: 'Restarts in an hour', description: 'Proxies that have begun anew in the same pod.' },
          [
            {
              expr: `sum by (namespace) (changes(process_start_time_seconds{${PROXIES}}[1h]))`,
              legend: '{{namespace}}',
            },
          ],
          12,
        ),
      ],
    },
    {
      title: 'What proxies refuse',
      panels: [
        series(
          'ops',
          {
            title: 'Outbound errors',
            description: 'Requests and connections of the pods themselves, by the error of the proxy.',
          },
          [
            { expr: rate('outbound_http_errors_total', PROXIES, ['error']), legend: 'http, {{error}}' },
            { expr: rate('outbound_tcp_errors_total', PROXIES, ['error']), legend: 'tcp, {{error}}' },
          ],
        ),
        series(
          'ops',
          { title: 'Inbound errors', description: 'Requests and connections to the pods, by the error of the proxy.' },
          [
            { expr: rate('inbound_http_errors_total', PROXIES, ['error']), legend: 'http, {{error}}' },
            { expr: rate('inbound_tcp_errors_total', PROXIES, ['error']), legend: 'tcp, {{error}}' },
          ],
        ),
        series(
          'ops',
          {
            title: 'Refused connections',
            description: 'Connections that a proxy ended by its own decision, by reason.',
          },
          [
            {
              expr: rate('weft_connections_refused_total', PROXIES, ['direction', 'reason']),
              legend: '{{direction}}, {{reason}}',
            },
          ],
        ),
        series(
          'ops',
          { title: 'Without the mesh', description: 'Connections to destinations that were not known in time.' },
          [{ expr: rate('weft_outbound_unseen_total', PROXIES, ['action']), legend: '{{action}}' }],
        ),
        series('short', { title: 'Waiting', description: 'Requests that wait for an endpoint, by Service.' }, [
          {
            expr: `sum by (parent_namespace, parent_name) (outbound_http_balancer_queue_length{${PROXIES}})`,
            legend: '{{parent_namespace}}/{{parent_name}}',
          },
        ]),
        series('short', { title: 'Ejected', description: 'Endpoints that circuit breaking keeps out, by Service.' }, [
          {
            expr: `sum by (parent_namespace, parent_name) (weft_outbound_ejected_endpoints{${PROXIES}})`,
            legend: '{{parent_namespace}}/{{parent_name}}',
          },
        ]),
      ],
    },
    {
      title: 'Cost',
      panels: [
        series('short', { title: 'CPU', description: 'Cores of all proxies, by namespace.' }, [
          { expr: rate('process_cpu_seconds_total', PROXIES, ['namespace']), legend: '{{namespace}}' },
        ]),
        series('bytes', { title: 'Memory', description: 'Largest and mean resident memory of a proxy.' }, [
          { expr: `max(process_resident_memory_bytes{${PROXIES}})`, legend: 'largest' },
          { expr: `avg(process_resident_memory_bytes{${PROXIES}})`, legend: 'mean' },
        ]),
        series(
          's',
          {
            title: 'Lag of the event loop',
            description: 'How late proxies come to their work, at the 99th percentile.',
          },
          [{ expr: quantile(0.99, 'process_loop_lag_seconds', PROXIES, ['namespace']), legend: '{{namespace}}' }],
        ),
        series(
          'percentunit',
          { title: 'Descriptors', description: 'Share of its descriptors that the fullest proxy uses.' },
          [
            {
              expr: `max by (namespace) (process_open_fds{${PROXIES}} / process_max_fds{${PROXIES}})`,
              legend: '{{namespace}}',
            },
          ],
        ),
      ],
    },
  ],
};
