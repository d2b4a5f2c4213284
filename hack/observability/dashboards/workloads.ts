import type { Dashboard, Variable } from './model.ts';
import { golden, goldenBy, quantile, rate, series, share, stat, successRate, table, tcp } from './traffic.ts';

const INBOUND = 'job="linkerd-proxy", direction="inbound"';
const OUTBOUND = 'job="linkerd-proxy", direction="outbound"';
const WORKLOAD = [
  'namespace',
  'deployment',
  'statefulset',
  'daemonset',
  'replicaset',
  'replicationcontroller',
  'k8s_job',
];

const NAMESPACE: Variable = {
  name: 'namespace',
  label: 'Namespace',
  of: 'namespace',
  series: 'process_start_time_seconds{job="linkerd-proxy"}',
};

export const topLine: Dashboard = {
  name: 'top-line',
  title: 'Top line',
  description: 'The whole mesh at a glance: how much of it succeeds, how fast it is, and which workloads are worst.',
  variables: [],
  rows: [
    {
      title: 'The mesh',
      panels: [
        stat(
          'percentunit',
          { title: 'Success rate', description: 'Share of all responses that are no failures, as the servers see it.' },
          successRate(INBOUND),
          6,
        ),
        stat(
          'reqps',
          { title: 'Requests', description: 'All requests, each counted at its server.' },
          rate('request_total', INBOUND),
          6,
        ),
        stat(
          'percentunit',
          { title: 'By mTLS', description: 'Share of the requests that came from a proven identity.' },
          share('request_total', INBOUND, 'tls="true"'),
          6,
        ),
        stat(
          'short',
          { title: 'Meshed pods', description: 'Pods whose proxy answers Prometheus.' },
          'sum(up{job="linkerd-proxy"})',
          6,
        ),
      ],
    },
    { title: 'Namespaces', panels: goldenBy(INBOUND, ['namespace'], 'of the workloads of a namespace') },
    {
      title: 'Workloads, over five minutes',
      panels: [
        table(
          'percentunit',
          { title: 'Failures', description: 'The ten workloads with the largest share of failures.' },
          'topk(10, workload:inbound_failures:ratio_rate5m)',
          8,
        ),
        table(
          'ms',
          { title: 'Slowest', description: 'The ten workloads with the largest 99th percentile.' },
          'topk(10, workload:inbound_latency_ms:p99_rate5m)',
          8,
        ),
        table(
          'reqps',
          { title: 'Busiest', description: 'The ten workloads with the most responses.' },
          'topk(10, sum without (classification) (workload:inbound_responses:rate5m))',
          8,
        ),
      ],
    },
    {
      title: 'What is refused',
      panels: [
        series(
          'reqps',
          { title: 'Denied', description: 'Requests that policy answered 403, by the namespace of the server.' },
          [
            {
              expr: rate('inbound_http_authz_deny_total', 'job="linkerd-proxy"', ['namespace']),
              legend: '{{namespace}}',
            },
          ],
          12,
        ),
        series(
          'ops',
          {
            title: 'Errors of proxies',
            description: 'Requests that a proxy itself answered, or broke off, by its error.',
          },
          [
            {
              expr: rate('outbound_http_errors_total', 'job="linkerd-proxy"', ['error']),
              legend: 'outbound, {{error}}',
            },
            { expr: rate('inbound_http_errors_total', 'job="linkerd-proxy"', ['error']), legend: 'inbound, {{error}}' },
          ],
          12,
        ),
      ],
    },
  ],
};

export const namespace: Dashboard = {
  name: 'namespace',
  title: 'Namespace',
  description: 'The workloads of a namespace beside one another.',
  variables: [NAMESPACE],
  rows: [
    { title: 'Inbound', panels: golden(`${INBOUND}, namespace="$namespace"`, 'of the workloads of the namespace') },
    { title: 'Inbound by workload', panels: goldenBy(`${INBOUND}, namespace="$namespace"`, WORKLOAD, 'of a workload') },
    {
      title: 'Outbound by Service',
      panels: goldenBy(
        `${OUTBOUND}, namespace="$namespace", dst_service!=""`,
        ['dst_namespace', 'dst_service'],
        'to a Service that the namespace calls',
      ),
    },
    { title: 'Connections', panels: tcp('job="linkerd-proxy", namespace="$namespace"') },
  ],
};

const OF_DEPLOYMENT = 'namespace="$namespace", deployment="$deployment"';

export const deployment: Dashboard = {
  name: 'deployment',
  title: 'Deployment',
  description: 'One Deployment: who calls it, how it answers, what it calls, and its pods beside one another.',
  variables: [
    NAMESPACE,
    {
      name: 'deployment',
      label: 'Deployment',
      of: 'deployment',
      series: 'process_start_time_seconds{job="linkerd-proxy", namespace="$namespace", deployment!=""}',
    },
  ],
  rows: [
    { title: 'Inbound', panels: golden(`${INBOUND}, ${OF_DEPLOYMENT}`, 'of the Deployment') },
    {
      title: 'Inbound by client',
      panels: goldenBy(`${INBOUND}, ${OF_DEPLOYMENT}, client_id!=""`, ['client_id'], 'to a client in the mesh'),
    },
    {
      title: 'Inbound by pod and status',
      panels: [
        series('reqps', { title: 'Requests by pod', description: 'How evenly callers spread over the pods.' }, [
          { expr: rate('request_total', `${INBOUND}, ${OF_DEPLOYMENT}`, ['pod']), legend: '{{pod}}' },
        ]),
        series(
          'percentunit',
          { title: 'Success rate by pod', description: 'A pod below the others is broken, not the version.' },
          [{ expr: successRate(`${INBOUND}, ${OF_DEPLOYMENT}`, ['pod']), legend: '{{pod}}' }],
        ),
        series(
          'reqps',
          { title: 'Responses by status', description: 'HTTP status, and status of gRPC where there is one.' },
          [
            {
              expr: rate('response_total', `${INBOUND}, ${OF_DEPLOYMENT}`, ['status_code', 'grpc_status']),
              legend: '{{status_code}} {{grpc_status}}',
            },
          ],
        ),
      ],
    },
    { title: 'Outbound', panels: golden(`${OUTBOUND}, ${OF_DEPLOYMENT}`, 'to what the Deployment calls') },
    {
      title: 'Outbound by Service',
      panels: goldenBy(
        `${OUTBOUND}, ${OF_DEPLOYMENT}, dst_service!=""`,
        ['dst_namespace', 'dst_service'],
        'to a Service that the Deployment calls',
      ),
    },
    { title: 'Connections', panels: tcp(`job="linkerd-proxy", ${OF_DEPLOYMENT}`) },
  ],
};

const OF_POD = 'namespace="$namespace", pod="$pod"';
const PROXY_OF_POD = `job="linkerd-proxy", ${OF_POD}`;

export const pod: Dashboard = {
  name: 'pod',
  title: 'Pod',
  description: 'One pod: its traffic, and the process of its proxy.',
  variables: [
    NAMESPACE,
    {
      name: 'pod',
      label: 'Pod',
      of: 'pod',
      series: 'process_start_time_seconds{job="linkerd-proxy", namespace="$namespace"}',
    },
  ],
  rows: [
    { title: 'Inbound', panels: golden(`${INBOUND}, ${OF_POD}`, 'of the pod') },
    { title: 'Outbound', panels: golden(`${OUTBOUND}, ${OF_POD}`, 'to what the pod calls') },
    { title: 'Connections', panels: tcp(PROXY_OF_POD) },
    {
      title: 'Proxy',
      panels: [
        series('short', { title: 'CPU', description: 'Cores that the proxy uses.' }, [
          { expr: rate('process_cpu_seconds_total', PROXY_OF_POD), legend: 'cores' },
        ]),
        series('bytes', { title: 'Memory', description: 'Resident memory of the proxy.' }, [
          { expr: `process_resident_memory_bytes{${PROXY_OF_POD}}`, legend: 'resident' },
        ]),
        series('short', { title: 'Descriptors', description: 'Open descriptors and how many may be.' }, [
          { expr: `process_open_fds{${PROXY_OF_POD}}`, legend: 'open' },
          { expr: `process_max_fds{${PROXY_OF_POD}}`, legend: 'most' },
        ]),
        series('s', { title: 'Staleness', description: 'Since the proxy last heard from the control plane.' }, [
          { expr: `weft_config_staleness_seconds{${PROXY_OF_POD}}`, legend: 'silent for' },
        ]),
        series('s', { title: 'Certificate', description: 'How long the certificate is still valid.' }, [
          { expr: `control_identity_cert_expiration_timestamp_seconds{${PROXY_OF_POD}} - time()`, legend: 'left' },
        ]),
        series(
          's',
          {
            title: 'Lag of the event loop',
            description: 'How late the proxy comes to its work; no CPU, or too much at once.',
          },
          [{ expr: quantile(0.99, 'process_loop_lag_seconds', PROXY_OF_POD), legend: 'p99' }],
        ),
      ],
    },
  ],
};
