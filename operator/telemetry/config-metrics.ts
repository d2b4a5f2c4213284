import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** The budget is 10 ms to the first proxy and 50 ms to the thousandth: buckets on both sides of each. */
const PROPAGATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

/** What the configuration stream counts (`operator/serve` declares the same shape). */
export function configMetrics(registry: Registry) {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Histogram({ name, help, labelNames, buckets: PROPAGATION_BUCKETS, registers });
  const connected = gauge('weft_config_connected_proxies', 'Proxies connected to this replica.');
  const subscriptions = gauge('weft_config_subscriptions', 'Keys that proxies subscribe to, all proxies together.');
  const refused = counter('weft_config_refused_total', 'Connections refused or ended, by code.', ['code']);
  const batches = counter('weft_config_batches_total', 'Batches written.', []);
  const changes = counter('weft_config_changes_total', 'Changes written.', []);
  const bytes = counter('weft_config_sent_bytes_total', 'Bytes written.', []);
  const rejected = counter('weft_config_rejected_total', 'Resources that a proxy refused, by kind.', ['kind']);
  const withheld = counter('weft_config_withheld_total', 'Answers held back because this replica lags.', ['kind']);
  const compiled = counter('weft_config_compilations_total', 'Resources compiled.', ['kind', 'changed']);
  const compileTime = histogram('weft_config_compile_seconds', 'Time to compile one resource.', ['kind']);
  const propagation = histogram(
    'weft_config_propagation_seconds',
    'From a change in the cache to the acknowledgement of a proxy.',
    [],
  );
  const write = histogram('weft_config_write_seconds', 'From a change in the cache to the socket of a proxy.', []);
  return {
    connected: (count: number) => connected.set(count),
    subscriptions: (count: number) => subscriptions.set(count),
    refused: (code: string) => refused.inc({ code }),
    batchSent(changeCount: number, sizeBytes: number) {
      batches.inc();
      changes.inc(changeCount);
      bytes.inc(sizeBytes);
    },
    acknowledged: (delayMs: number) => propagation.observe(delayMs / 1000),
    written: (delayMs: number) => write.observe(delayMs / 1000),
    rejected: (key: string) => rejected.inc({ kind: kindOf(key) }),
    withheld: (key: string) => withheld.inc({ kind: kindOf(key) }),
    compiled(kind: string, durationMs: number, changed: boolean) {
      compiled.inc({ kind, changed: String(changed) });
      compileTime.observe({ kind }, durationMs / 1000);
    },
  };
}

/** The first part of a key: labels must not carry addresses. */
function kindOf(key: string): string {
  return key.split('/', 1)[0] ?? '';
}
