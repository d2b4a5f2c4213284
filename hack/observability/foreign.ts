/** What others ask a Prometheus that watches Linkerd, and now asks of this mesh: the shapes of their queries, with what the demonstration has in place of their variables. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { NamedQuery } from './queries.ts';

const SAMPLES = join(import.meta.dirname, '..', '..', 'samples');
const ANALYSIS = join(SAMPLES, 'delivery', 'argo-rollouts', 'analysis.yaml');

const WEB = 'namespace="poll", deployment="web", direction="inbound"';
const TO_BALLOTS = 'deployment!="", dst_namespace="poll", dst_deployment="ballots", direction="outbound"';
const WINDOW = '30s';

function query(where: string, expr: string): NamedQuery {
  return { where, exprs: [expr] };
}

/** Of inbound responses, by Flagger's pattern of a canary's target; in percent (Flagger: pkg/metrics/observers/linkerd.go). */
export function flaggerSuccessRate(namespace: string, target: string, window: string): string {
  const of = `namespace="${namespace}", deployment=~"${target}", direction="inbound"`;
  const all = `sum(rate(response_total{${of}}[${window}]))`;
  return `sum(rate(response_total{${of}, classification!="failure"}[${window}])) / ${all} * 100`;
}

/** In milliseconds. */
export function flaggerLatency(namespace: string, target: string, window: string): string {
  const of = `namespace="${namespace}", deployment=~"${target}", direction="inbound"`;
  return `histogram_quantile(0.99, sum(rate(response_latency_ms_bucket{${of}}[${window}])) by (le))`;
}

/** Argo Rollouts has none of its own; its documents and those of Linkerd use this one. From 0 to 1. `pods`: labels that say whose responses are meant. */
export function rolloutsSuccessRate(pods: string, window: string): string {
  const of = `${pods}, direction="inbound", status_code!="404"`;
  const all = `sum(rate(response_total{${of}}[${window}]))`;
  return `sum(rate(response_total{${of}, classification="success"}[${window}])) / ${all}`;
}

/** What the sample's AnalysisTemplate asks for, with the arguments that a Rollout would give it. */
function analysisOfSample(namespace: string, version: string): string {
  type Template = { spec: { metrics: { provider: { prometheus: { query: string } } }[] } };
  const { spec } = parse(readFileSync(ANALYSIS, 'utf8')) as Template;
  const text = spec.metrics[0]?.provider.prometheus.query ?? '';
  return text.replaceAll('{{args.namespace}}', namespace).replaceAll('{{args.version}}', version);
}

export const FOREIGN_QUERIES: readonly NamedQuery[] = [
  query('Flagger: success rate', flaggerSuccessRate('poll', 'web', WINDOW)),
  query('Flagger: latency', flaggerLatency('poll', 'web', WINDOW)),
  query('Flagger: is Prometheus there', 'vector(1)'),
  query('Argo Rollouts: success rate', rolloutsSuccessRate('namespace="poll", deployment="web"', WINDOW)),
  query('samples/delivery/argo-rollouts: success rate of a version', analysisOfSample('poll', '5c7c5f7d9b')),
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
