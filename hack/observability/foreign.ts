/** What others ask a Prometheus that watches Linkerd, and now asks of this mesh: the shapes of their queries, with what the demonstration has in place of their variables. */
import type { NamedQuery } from './queries.ts';

const WEB = 'namespace="poll", deployment="web", direction="inbound"';
/** Flagger's pattern of a canary's target. */
const TARGET = 'namespace="poll", deployment=~"web", direction="inbound"';
const TO_BALLOTS = 'deployment!="", dst_namespace="poll", dst_deployment="ballots", direction="outbound"';
const WINDOW = '30s';

function query(where: string, expr: string): NamedQuery {
  return { where, exprs: [expr] };
}

export const FOREIGN_QUERIES: readonly NamedQuery[] = [
  // Flagger, observer `linkerd`.
  query(
    'Flagger: success rate',
    `sum(rate(response_total{${TARGET}, classification!="failure"}[${WINDOW}])) / sum(rate(response_total{${TARGET}}[${WINDOW}])) * 100`,
  ),
  query(
    'Flagger: latency',
    `histogram_quantile(0.99, sum(rate(response_latency_ms_bucket{${TARGET}}[${WINDOW}])) by (le))`,
  ),
  query('Flagger: is Prometheus there', 'vector(1)'),
  // Argo Rollouts has none of its own; its documents and those of Linkerd use this one.
  query(
    'Argo Rollouts: success rate',
    `sum(rate(response_total{${WEB}, status_code!="404", classification="success"}[${WINDOW}])) / sum(rate(response_total{${WEB}, status_code!="404"}[${WINDOW}]))`,
  ),
  // Dashboards of linkerd-viz: by owner of the pod, by owner of the endpoint, by mTLS.
  query('linkerd-viz: requests by mTLS', `sum(irate(request_total{${WEB}, tls="true"}[${WINDOW}])) by (deployment)`),
  query('linkerd-viz: who calls', `count(count(request_total{${TO_BALLOTS}}) by (namespace, deployment))`),
  query(
    'linkerd-viz: success of a caller, by pod',
    `sum(irate(response_total{classification="success", ${TO_BALLOTS}}[${WINDOW}])) by (deployment, pod) / sum(irate(response_total{${TO_BALLOTS}}[${WINDOW}])) by (deployment, pod)`,
  ),
  query(
    'linkerd-viz: open connections',
    'sum(tcp_open_connections{namespace="poll", deployment="web", direction="inbound", peer="src"}) by (deployment)',
  ),
  query(
    'linkerd-viz: routes',
    `sum(rate(route_response_total{classification="success", dst=~"ballots.poll.svc.cluster.local(:\\\\d+)?", direction="outbound"}[${WINDOW}])) by (rt_route, dst)`,
  ),
  query('linkerd-viz: namespaces', 'count(process_start_time_seconds{deployment!=""}) by (namespace)'),
];
