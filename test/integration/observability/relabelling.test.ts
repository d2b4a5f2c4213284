import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { expect } from 'chai';
import { discover } from '../../../hack/observability/discovery.ts';
import { type RelabelRule, readScrapeConfiguration } from '../../../hack/observability/files.ts';
import { Prometheus, programs } from '../../../hack/observability/prometheus.ts';
import { podMonitors } from '../../../hack/observability/prometheus-operator.ts';
import { eventually } from '../../support/eventually.ts';

const START_MS = 300_000;

function pod(name: string, labels: Record<string, string>, changes: Partial<V1Pod['status']> = {}): V1Pod {
  const proxy = {
    name: 'linkerd-proxy',
    ports: [
      { name: 'linkerd-admin', containerPort: 4191 },
      { name: 'linkerd-proxy', containerPort: 4143 },
    ],
  };
  const app = { name: 'app', ports: [{ name: 'linkerd-admin', containerPort: 9999 }] };
  return {
    metadata: {
      name,
      namespace: 'shop',
      labels: { 'linkerd.io/control-plane-ns': 'weft-system', 'linkerd.io/workload-ns': 'shop', ...labels },
    },
    spec: { containers: [app], initContainers: [proxy] },
    status: { phase: 'Running', podIP: '192.0.2.7', ...changes },
  };
}

const OWN = {
  app: 'web',
  control_plane_ns: 'weft-system',
  workload_ns: 'shop',
  namespace: 'shop',
  job: 'linkerd-proxy',
  instance: '192.0.2.7:4191',
};

const PODS: Readonly<Record<string, { pod: V1Pod; labels: Record<string, string> | null }>> = {
  'the pod of a Deployment': {
    pod: pod('web-1', { app: 'web', 'app.kubernetes.io/version': 'v1', 'linkerd.io/proxy-deployment': 'web' }),
    labels: { ...OWN, pod: 'web-1', deployment: 'web', app_kubernetes_io_version: 'v1' },
  },
  'the pod of a Job': {
    pod: pod('once-1', { app: 'web', 'linkerd.io/proxy-job': 'once' }, { phase: 'Pending' }),
    labels: { ...OWN, pod: 'once-1', k8s_job: 'once' },
  },
  'a pod that pretends to be another': {
    pod: pod('evil-1', {
      app: 'web',
      namespace: 'bank',
      pod: 'vault-0',
      deployment: 'vault',
      statefulset: 'vault',
      k8s_job: 'vault',
      job: 'weft-operator',
      instance: 'vault',
      'linkerd.io/proxy-daemonset': 'evil',
    }),
    labels: { ...OWN, pod: 'evil-1', daemonset: 'evil' },
  },
  'a pod that has ended': { pod: pod('done-1', {}, { phase: 'Succeeded' }), labels: null },
  'a pod of another mesh': { pod: pod('other-1', { 'linkerd.io/control-plane-ns': 'linkerd' }), labels: null },
};

interface Monitor {
  metadata: { name: string; namespace: string };
  spec: { podMetricsEndpoints: { port: string; relabelings: Record<string, unknown>[] }[] };
}

/** What a Prometheus operator puts in front of the rules of a PodMonitor. */
function asOperatorDoes(monitor: Monitor): RelabelRule[] {
  const [endpoint] = monitor.spec.podMetricsEndpoints;
  const own = endpoint!.relabelings.map(({ sourceLabels, targetLabel, ...rest }) => ({
    ...(sourceLabels === undefined ? {} : { source_labels: sourceLabels as string[] }),
    ...(targetLabel === undefined ? {} : { target_label: targetLabel as string }),
    ...rest,
  }));
  return [
    { source_labels: ['job'], target_label: '__tmp_prometheus_job_name' },
    { source_labels: ['__meta_kubernetes_pod_phase'], action: 'drop', regex: '(Failed|Succeeded)' },
    { source_labels: ['__meta_kubernetes_pod_container_port_name'], action: 'keep', regex: endpoint!.port },
    { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
    { source_labels: ['__meta_kubernetes_pod_container_name'], target_label: 'container' },
    { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
    { target_label: 'job', replacement: `${monitor.metadata.namespace}/${monitor.metadata.name}` },
    { target_label: 'endpoint', replacement: endpoint!.port },
    ...own,
  ];
}

/** Of the pods, in a real Prometheus; nobody answers at their addresses. */
describe('labels of series', () => {
  let directory: string;
  const running: Prometheus[] = [];
  const [job] = readScrapeConfiguration().scrape_configs;
  const [monitor] = podMonitors() as Monitor[];

  const RULES: Readonly<Record<string, RelabelRule[]>> = {
    'prometheus.yml': job!.relabel_configs,
    'the PodMonitor': asOperatorDoes(monitor!),
  };

  async function labelled(rules: RelabelRule[]): Promise<Record<string, string>[]> {
    const configuration = { ...job!, relabel_configs: rules };
    const options = { directory: mkdtempSync(join(directory, 'run-')), groups: [], jobs: [configuration] };
    const prometheus = await Prometheus.start(options);
    running.push(prometheus);
    prometheus.discovered(discover(Object.values(PODS).map((one) => one.pod)));
    const expected = Object.values(PODS).filter(({ labels }) => labels !== null).length;
    const targets = await eventually('targets are found', async () => {
      const found = await prometheus.targets();
      return found.length >= expected ? found : null;
    });
    return targets.map(({ labels }) => labels);
  }

  before(function () {
    this.timeout(START_MS);
    programs();
    directory = mkdtempSync(join(tmpdir(), 'weft-labels-'));
  });

  after(async () => {
    await Promise.all(running.map((prometheus) => prometheus.stop()));
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [source, rules] of Object.entries(RULES)) {
    it(`say by ${source} whose they are: ${Object.keys(PODS).join(', ')}`, async () => {
      const expected = Object.values(PODS).flatMap(({ labels }) => (labels === null ? [] : [labels]));
      expect(await labelled(rules)).to.have.deep.members(expected);
    });
  }
});
