/** The objects for a Prometheus operator, made of the files that a plain Prometheus reads. */
import { type RelabelRule, readRules, readScrapeConfiguration, type ScrapeJob } from './files.ts';

/** Labels that the operator adds by itself, and a plain Prometheus does not. Dropped first, so that a pod's own of the same name stay. */
const ADDED_BY_OPERATOR: RelabelRule = { action: 'labeldrop', regex: 'container|endpoint' };

/** Name of the monitor, the port, and the labels of the pods, by job. The keep rules of the job hold beside them. */
const MONITORS: Readonly<Record<string, { port: string; matchLabels: Record<string, string> }>> = {
  'linkerd-proxy': { port: 'linkerd-admin', matchLabels: { 'linkerd.io/control-plane-ns': 'weft-system' } },
  'weft-operator': { port: 'admin', matchLabels: { 'app.kubernetes.io/part-of': 'weft' } },
};
const LABELS = { 'app.kubernetes.io/part-of': 'weft' };

export function podMonitors(): object[] {
  const { global, scrape_configs } = readScrapeConfiguration();
  return scrape_configs.map((job) => podMonitor(job, global['scrape_interval'] ?? ''));
}

function podMonitor(job: ScrapeJob, interval: string): object {
  const { port, matchLabels } = MONITORS[job.job_name]!;
  const names = job.kubernetes_sd_configs[0]?.namespaces?.names;
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: { name: job.job_name, namespace: 'weft-system', labels: LABELS },
    spec: {
      namespaceSelector: names === undefined ? { any: true } : { matchNames: names },
      selector: { matchLabels },
      podMetricsEndpoints: [
        {
          port,
          path: '/metrics',
          interval,
          honorLabels: job.honor_labels === true,
          relabelings: [ADDED_BY_OPERATOR, ...job.relabel_configs].map(relabeling),
        },
      ],
    },
  };
}

/** The same rule in the spelling of the operator's API. */
function relabeling({ source_labels, target_label, ...rest }: RelabelRule): object {
  return {
    ...(source_labels === undefined ? {} : { sourceLabels: source_labels }),
    ...(target_label === undefined ? {} : { targetLabel: target_label }),
    ...rest,
  };
}

export function prometheusRules(): object[] {
  return readRules().map(({ name, groups }) => ({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: `weft-${name}`, namespace: 'weft-system', labels: LABELS },
    spec: { groups },
  }));
}
