import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds (Linkerd: `controller/k8s/prometheus.go`). */
const LAG_BUCKETS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000];
/** Linkerd has the clusters that are linked, too. */
const CLUSTER = 'local';
/** Ports of Services that are told apart; what comes beyond is added up. */
const MAX_SERVICE_PORTS = 2_000;

/** Linkerd counts each kind under its singular, but for this one (`controller/k8s/api.go`, `pkg/k8s/k8s.go`). */
const IN_PLURAL: ReadonlySet<string> = new Set(['EndpointSlice']);

/** `<kind>_cache_size` of each kind, read at each scrape. Where several groups have a kind, all of their objects. */
export function registerCacheSizes(registry: Registry, sizes: () => Iterable<[kind: string, objects: number]>): void {
  const gauges = new Map<string, Gauge>();
  for (const [kind] of sizes()) {
    if (gauges.has(kind)) continue;
    const gauge: Gauge = new Gauge({
      name: `${kind.toLowerCase()}${IN_PLURAL.has(kind) ? 's' : ''}_cache_size`,
      help: 'Objects held.',
      labelNames: ['cluster'],
      registers: [registry],
      collect() {
        gauge.set({ cluster: CLUSTER }, sumOf(sizes(), kind));
      },
    });
    gauges.set(kind, gauge);
  }
}

function sumOf(sizes: Iterable<[kind: string, objects: number]>, kind: string): number {
  let sum = 0;
  for (const [of, objects] of sizes) if (of === kind) sum += objects;
  return sum;
}

/** `<plural>_informer_lag_seconds` of each cache: how long after it was written a change is known here. */
export function lagMetrics(registry: Registry): (cache: string, lagMs: number) => void {
  const known = new Map<string, Histogram>();
  return (cache, lagMs) => {
    const histogram = known.get(cache) ?? lagOf(registry, cache);
    known.set(cache, histogram);
    histogram.observe(lagMs / 1000);
  };
}

function lagOf(registry: Registry, cache: string): Histogram {
  return new Histogram({
    // A plural that several groups have is followed by its group.
    name: `${cache.replaceAll(/[^a-z0-9]/g, '_')}_informer_lag_seconds`,
    help: 'From the write of an object, in whole seconds, to the event of it.',
    buckets: LAG_BUCKETS,
    registers: [registry],
  });
}

/** What is served (`operator/serve` declares the same shape). */
export interface ServedEndpoints {
  namespace: string;
  service: string;
  port: number;
  /** Proxies that ask for them. */
  subscribers: number;
  /** Versions so far. */
  updates: number;
  /** Addresses. */
  endpoints: number;
  /** There is something to say. */
  exists: boolean;
}

type ServiceLabels = Record<'cluster' | 'namespace' | 'service' | 'port', string>;

/** `endpoints_*` of Linkerd's destination controller, read at each scrape. The proxies of other replicas are not in it. */
export function registerEndpointMetrics(registry: Registry, served: () => Iterable<ServedEndpoints>): void {
  const labelNames = ['cluster', 'namespace', 'service', 'port'] as const;
  const options = (name: string, help: string) => ({ name, help, labelNames, registers: [registry] });
  const read = (add: (labels: ServiceLabels, of: ServedEndpoints) => void) => {
    const known = new Set<string>();
    for (const of of served()) {
      const labels = { cluster: CLUSTER, namespace: of.namespace, service: of.service, port: String(of.port) };
      const id = `${of.namespace}/${of.service}:${of.port}`;
      if (known.size < MAX_SERVICE_PORTS) known.add(id);
      add(known.has(id) ? labels : { ...labels, namespace: '', service: 'other', port: '' }, of);
    }
  };
  const gauge = (name: string, help: string, value: (of: ServedEndpoints) => number) =>
    new Gauge({
      ...options(name, help),
      collect() {
        this.reset();
        read((labels, of) => this.inc(labels, value(of)));
      },
    });
  gauge('endpoints_subscribers', 'Proxies that ask for the endpoints.', ({ subscribers }) => subscribers);
  gauge('endpoints_pods', 'Endpoints that they are told of.', ({ endpoints }) => endpoints);
  new Gauge({
    ...options('endpoints_exists', 'Whether there is anything to tell of them.'),
    collect() {
      this.reset();
      read((labels, { exists }) => this.set(labels, Number(exists)));
    },
  });
  new Counter({
    ...options('endpoints_updates', 'Changes of the endpoints since a proxy first asked for them.'),
    collect() {
      this.reset();
      read((labels, { updates }) => this.inc(labels, updates));
    },
  });
}
