import { Counter, Histogram, type Registry } from 'prom-client';

/** Writes of status under the names of Linkerd's policy controller (`policy-controller/k8s/status/src/index.rs`). */
export function statusMetrics(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const written = counter('resource_status_patches_total', 'Statuses that were written.');
  const failed = counter('resource_status_patch_api_errors_total', 'Writes of a status that the API server refused.');
  const late = counter('resource_status_patch_timeouts_total', 'Writes of a status that took too long.');
  const seconds = new Histogram({
    name: 'resource_status_patch_duration_seconds',
    help: 'Time of one write of a status.',
    registers,
  });
  return {
    written(tookMs: number) {
      written.inc();
      seconds.observe(tookMs / 1000);
    },
    failed: (isTimeout: boolean) => (isTimeout ? late : failed).inc(),
  };
}
