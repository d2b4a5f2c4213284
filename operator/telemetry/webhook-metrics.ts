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

/** `certwatcher_*`: certificates of the webhooks as they are renewed. */
export function certificateMetrics(registry: Registry) {
  const registers = [registry];
  const read = new Counter({
    name: 'certwatcher_read_certificate_total',
    help: 'Certificates taken into use.',
    registers,
  });
  new Counter({
    name: 'certwatcher_read_certificate_errors_total',
    help: 'Certificates that could not be used.',
    registers,
  });
  return { renewed: () => read.inc() };
}
