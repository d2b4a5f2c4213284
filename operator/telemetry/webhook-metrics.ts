import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** controller-runtime's `pkg/webhook/internal/metrics`. Series exist from the start, with value zero. */
export function webhookMetrics(registry: Registry, paths: readonly string[]) {
  const registers = [registry];
  const requests = new Counter({
    name: 'controller_runtime_webhook_requests_total',
    help: 'Admission requests by webhook and HTTP status.',
    labelNames: ['webhook', 'code'],
    registers,
  });
  const latency = new Histogram({
    name: 'controller_runtime_webhook_latency_seconds',
    help: 'Time of one admission request.',
    labelNames: ['webhook'],
    registers,
  });
  const inFlight = new Gauge({
    name: 'controller_runtime_webhook_requests_in_flight',
    help: 'Admission requests under way.',
    labelNames: ['webhook'],
    registers,
  });
  const panics = new Counter({
    name: 'controller_runtime_webhook_panics_total',
    help: 'Admission requests that met a failure of ours.',
    registers,
  });
  for (const webhook of paths) {
    for (const code of ['200', '500']) requests.inc({ webhook, code }, 0);
    latency.zero({ webhook });
    inFlight.set({ webhook }, 0);
  }
  const known = (path: string) => (paths.includes(path) ? path : 'other');
  return {
    started: (path: string) => inFlight.inc({ webhook: known(path) }),
    ended: (path: string) => inFlight.dec({ webhook: known(path) }),
    answered(path: string, durationMs: number) {
      requests.inc({ webhook: known(path), code: '200' });
      latency.observe({ webhook: known(path) }, durationMs / 1000);
    },
    failed(path: string, status: number) {
      requests.inc({ webhook: known(path), code: String(status) });
      if (status === 500) panics.inc();
    },
  };
}

/** Kinds of owners with a label value of their own; others are whatever the creator of a pod wrote into it. */
const OWNER_KINDS: readonly string[] = [
  'pod',
  'deployment',
  'replicaset',
  'replicationcontroller',
  'statefulset',
  'daemonset',
  'job',
  'cronjob',
  'rollout',
];
/** Namespaces come and go, their series stay: what comes beyond counts in one series, labelled `other`. */
const MAX_NAMESPACES = 1_000;

export interface ReviewedPod {
  namespace: string;
  ownerKind: string;
  annotationAt: string;
  injected: boolean;
  skipReasons: readonly string[];
}

/** Linkerd's `controller/proxy-injector/metrics.go`, without a label per annotation: that is a series per way to write a manifest. */
export function injectionMetrics(registry: Registry) {
  const registers = [registry];
  const labelNames = ['owner_kind', 'namespace', 'annotation_at'] as const;
  const requests = new Counter({
    name: 'proxy_inject_admission_requests_total',
    help: 'Pods that were looked at for injection.',
    labelNames,
    registers,
  });
  const responses = new Counter({
    name: 'proxy_inject_admission_responses_total',
    help: 'Pods that were injected (skip="false") or left alone (skip="true"), by reason.',
    labelNames: [...labelNames, 'skip', 'skip_reason'] as const,
    registers,
  });
  const namespaces = new Set<string>();
  const bounded = (namespace: string): string => {
    if (namespaces.size < MAX_NAMESPACES) namespaces.add(namespace);
    return namespaces.has(namespace) ? namespace : 'other';
  };
  return {
    reviewed({ namespace, ownerKind, annotationAt, injected, skipReasons }: ReviewedPod) {
      const labels = {
        owner_kind: OWNER_KINDS.includes(ownerKind) ? ownerKind : 'other',
        namespace: bounded(namespace),
        annotation_at: annotationAt,
      };
      requests.inc(labels);
      responses.inc({ ...labels, skip: String(!injected), skip_reason: skipReasons.join(',') });
    },
  };
}

/** `certwatcher_read_certificate_total`: certificates of the webhooks as they are renewed. None is read from a file, so that no reading can fail. */
export function certificateMetrics(registry: Registry) {
  const registers = [registry];
  const read = new Counter({
    name: 'certwatcher_read_certificate_total',
    help: 'Certificates taken into use.',
    registers,
  });
  return { renewed: () => read.inc() };
}
