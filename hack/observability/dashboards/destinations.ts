import type { Dashboard } from './model.ts';
import { golden, goldenBy, quantile, rate, series, successRate } from './traffic.ts';

const SERVICE = 'job="linkerd-proxy", direction="outbound", dst_namespace="$namespace", dst_service="$service"';
const PARENT = 'job="linkerd-proxy", parent_kind="Service", parent_namespace="$namespace", parent_name="$service"';
const CALLER = ['namespace', 'deployment', 'statefulset', 'daemonset', 'k8s_job'];

export const service: Dashboard = {
  name: 'service',
  title: 'Service',
  description: 'One Service as the proxies of its callers see it: every attempt, retries included.',
  variables: [
    {
      name: 'namespace',
      label: 'Namespace',
      of: 'dst_namespace',
      series: 'request_total{job="linkerd-proxy", direction="outbound"}',
    },
    {
      name: 'service',
      label: 'Service',
      of: 'dst_service',
      series: 'request_total{job="linkerd-proxy", direction="outbound", dst_namespace="$namespace"}',
    },
  ],
  rows: [
    { title: 'All callers', panels: golden(SERVICE, 'to the Service') },
    { title: 'By caller', panels: goldenBy(SERVICE, CALLER, 'to the Service, by the workload that calls it') },
    { title: 'By endpoint', panels: goldenBy(SERVICE, ['dst_pod'], 'to the Service, by the pod that they went to') },
    {
      title: 'Balancing',
      panels: [
        series(
          'short',
          {
            title: 'Endpoints',
            description: 'Endpoints that a caller can use (ready) and cannot (pending), the mean over its callers.',
          },
          [
            {
              expr: `avg by (parent_port, endpoint_state) (outbound_http_balancer_endpoints{${PARENT}})`,
              legend: '{{parent_port}}, {{endpoint_state}}',
            },
          ],
        ),
        series(
          'short',
          { title: 'Ejected', description: 'Endpoints that circuit breaking keeps out, all callers together.' },
          [{ expr: `sum by (parent_port) (weft_outbound_ejected_endpoints{${PARENT}})`, legend: '{{parent_port}}' }],
        ),
        series(
          'short',
          { title: 'Waiting', description: 'Requests that wait for an endpoint, because none can be had.' },
          [
            {
              expr: `sum by (parent_port) (outbound_http_balancer_queue_length{${PARENT}})`,
              legend: '{{parent_port}}',
            },
          ],
        ),
      ],
    },
  ],
};

const PROFILE = 'job="linkerd-proxy", namespace="$namespace", deployment="$deployment", dst="$dst"';
const ROUTE = 'job="linkerd-proxy", namespace="$namespace", route_namespace!=""';
const BOTH = '(http|grpc)';

/** Families of HTTPRoute and GRPCRoute have the same names but for the protocol. */
function ofRoutes(family: string): string {
  return `__name__=~"outbound_${family}", ${ROUTE}`;
}

export const route: Dashboard = {
  name: 'route',
  title: 'Route',
  description:
    'Routes of ServiceProfiles as one Deployment calls them, and HTTPRoutes and GRPCRoutes as a namespace does.',
  variables: [
    {
      name: 'namespace',
      label: 'Namespace of the caller',
      of: 'namespace',
      series: 'request_total{job="linkerd-proxy", direction="outbound"}',
    },
    {
      name: 'deployment',
      label: 'Caller',
      of: 'deployment',
      series: 'route_request_total{job="linkerd-proxy", namespace="$namespace"}',
    },
    {
      name: 'dst',
      label: 'Destination',
      of: 'dst',
      series: 'route_request_total{job="linkerd-proxy", namespace="$namespace", deployment="$deployment"}',
    },
  ],
  rows: [
    {
      title: 'Routes of ServiceProfiles',
      panels: [
        series(
          'percentunit',
          { title: 'Effective success rate', description: 'After retries: what the application gets.' },
          [{ expr: successRate(PROFILE, ['rt_route'], 'route_response_total'), legend: '{{rt_route}}' }],
        ),
        series('reqps', { title: 'Effective requests', description: 'Requests of the application, each once.' }, [
          { expr: rate('route_request_total', PROFILE, ['rt_route']), legend: '{{rt_route}}' },
        ]),
        series('ms', { title: 'Latency, p95', description: 'The whole request, retries included.' }, [
          { expr: quantile(0.95, 'route_response_latency_ms', PROFILE, ['rt_route']), legend: '{{rt_route}}' },
        ]),
        series('percentunit', { title: 'Actual success rate', description: 'Of every attempt.' }, [
          { expr: successRate(PROFILE, ['rt_route'], 'route_actual_response_total'), legend: '{{rt_route}}' },
        ]),
        series('reqps', { title: 'Attempts', description: 'Requests that were sent, retries included.' }, [
          { expr: rate('route_actual_request_total', PROFILE, ['rt_route']), legend: '{{rt_route}}' },
        ]),
        series(
          'ops',
          {
            title: 'Retryable',
            description:
              'Responses that the route would retry; skipped="no_budget": those that were not, because the budget was empty.',
          },
          [
            {
              expr: rate('route_retryable_total', PROFILE, ['rt_route', 'skipped']),
              legend: '{{rt_route}} {{skipped}}',
            },
          ],
        ),
      ],
    },
    {
      title: 'HTTPRoute and GRPCRoute',
      panels: [
        series(
          'reqps',
          { title: 'Requests by status', description: 'Requests that have ended, by HTTP status or status of gRPC.' },
          [
            {
              expr: `sum by (route_kind, route_name, http_status, grpc_status) (rate({${ofRoutes(`${BOTH}_route_request_statuses_total`)}}[$__rate_interval]))`,
              legend: '{{route_kind}}/{{route_name}} {{http_status}}{{grpc_status}}',
            },
          ],
        ),
        series(
          's',
          {
            title: 'Duration, p95',
            description: 'To the first byte of the response, retries included; its buckets are coarse.',
          },
          [
            {
              expr: `histogram_quantile(0.95, sum by (route_kind, route_name, le) (rate({${ofRoutes(`${BOTH}_route_request_duration_seconds_bucket`)}}[$__rate_interval])))`,
              legend: '{{route_kind}}/{{route_name}}',
            },
          ],
        ),
        series('reqps', { title: 'Attempts by backend', description: 'How a rule spreads over its backends.' }, [
          {
            expr: `sum by (route_name, backend_namespace, backend_name) (rate({${ofRoutes(`${BOTH}_route_backend_requests_total`)}}[$__rate_interval]))`,
            legend: '{{route_name}} → {{backend_namespace}}/{{backend_name}}',
          },
        ]),
        series('ops', { title: 'Retries', description: 'Retries by annotation, and those of them that succeeded.' }, [
          {
            expr: rate('outbound_http_route_retry_requests_total', 'job="linkerd-proxy", namespace="$namespace"', [
              'parent_name',
              'route_name',
            ]),
            legend: '{{parent_name}} {{route_name}}',
          },
          {
            expr: rate('outbound_http_route_retry_successes_total', 'job="linkerd-proxy", namespace="$namespace"', [
              'parent_name',
              'route_name',
            ]),
            legend: '{{parent_name}} {{route_name}}, successful',
          },
        ]),
      ],
    },
  ],
};

const SERVER = 'job="linkerd-proxy", namespace="$namespace", srv_name="$server"';
const PARENT_SERVER = 'job="linkerd-proxy", namespace="$namespace", parent_kind="server", parent_name="$server"';

export const server: Dashboard = {
  name: 'server',
  title: 'Server',
  description: 'One Server: who was let in by which authorization, who was not, and what its routes answered.',
  variables: [
    {
      name: 'namespace',
      label: 'Namespace',
      of: 'namespace',
      series: '{__name__=~"inbound_(http|tcp)_authz_(allow|deny)_total", job="linkerd-proxy", srv_kind="server"}',
    },
    {
      name: 'server',
      label: 'Server',
      of: 'srv_name',
      series:
        '{__name__=~"inbound_(http|tcp)_authz_(allow|deny)_total", job="linkerd-proxy", srv_kind="server", namespace="$namespace"}',
    },
  ],
  rows: [
    {
      title: 'Authorization',
      panels: [
        series('reqps', { title: 'Allowed', description: 'Requests let in, by the authorization that did.' }, [
          {
            expr: rate('inbound_http_authz_allow_total', SERVER, ['authz_kind', 'authz_name']),
            legend: '{{authz_kind}}/{{authz_name}}',
          },
        ]),
        series(
          'reqps',
          { title: 'Denied', description: 'Requests answered 403, by client; without one it came in plaintext.' },
          [{ expr: rate('inbound_http_authz_deny_total', SERVER, ['client_id']), legend: '{{client_id}}' }],
        ),
        series(
          'reqps',
          {
            title: 'No route',
            description: 'Requests answered 404, because none of the routes of the Server matches.',
          },
          [{ expr: rate('inbound_http_route_not_found_total', SERVER, ['client_id']), legend: '{{client_id}}' }],
        ),
        series('reqps', { title: 'Over the rate limit', description: 'Requests answered 429.' }, [
          {
            expr: rate('inbound_http_local_ratelimit_total', SERVER, ['ratelimit_name', 'scope']),
            legend: '{{ratelimit_name}}, {{scope}}',
          },
        ]),
        series(
          'ops',
          { title: 'Connections allowed', description: 'Opaque connections let in, by the authorization that did.' },
          [
            {
              expr: rate('inbound_tcp_authz_allow_total', SERVER, ['authz_kind', 'authz_name']),
              legend: '{{authz_kind}}/{{authz_name}}',
            },
          ],
        ),
        series(
          'ops',
          {
            title: 'Connections denied',
            description: 'Opaque connections closed, because no authorization lets them in.',
          },
          [{ expr: rate('inbound_tcp_authz_deny_total', SERVER, ['client_id']), legend: '{{client_id}}' }],
        ),
      ],
    },
    { title: 'What was let in', panels: golden(`${SERVER}, direction="inbound"`, 'of the Server') },
    {
      title: 'Routes of the Server',
      panels: [
        series(
          'reqps',
          { title: 'By status', description: 'Requests that a route has let in, by how they ended.' },
          [
            {
              expr: `sum by (route_name, status) (rate({__name__=~"inbound_${BOTH}_statuses_total", ${PARENT_SERVER}}[$__rate_interval]))`,
              legend: '{{route_name}} {{status}}',
            },
          ],
          12,
        ),
        series(
          's',
          {
            title: 'Duration, p95',
            description: 'From the request head to the end of the response; its buckets are coarse.',
          },
          [
            {
              expr: `histogram_quantile(0.95, sum by (route_name, le) (rate({__name__=~"inbound_${BOTH}_request_duration_seconds_bucket", ${PARENT_SERVER}}[$__rate_interval])))`,
              legend: '{{route_name}}',
            },
          ],
          12,
        ),
      ],
    },
  ],
};
