import { Counter, Gauge, Histogram, linearBuckets, type Registry } from 'prom-client';

/** client-go's buckets. */
const REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** Linkerd's `pkg/prometheus`: five steps of each order of magnitude. */
const LINKERD_BUCKETS = [0.01, 0.1, 1, 10].flatMap((step) => linearBuckets(step, step, 5));
/** Linkerd's name for the API server. */
const CLIENT = 'k8s';

/** Requests to the API server under the names of Linkerd's controllers. */
function linkerdClientMetrics(registry: Registry) {
  const registers = [registry];
  const labelNames = ['client', 'code', 'method'] as const;
  const requests = new Counter({
    name: 'http_client_requests_total',
    help: 'Requests to the API server that were answered, by code and method.',
    labelNames,
    registers,
  });
  const errors = new Counter({
    name: 'http_client_errors_total',
    help: 'Requests to the API server that got no answer.',
    labelNames: ['client'],
    registers,
  });
  const latency = new Histogram({
    name: 'http_client_request_latency_seconds',
    help: 'Time until the head of an answer.',
    labelNames,
    buckets: LINKERD_BUCKETS,
    registers,
  });
  const inFlight = new Gauge({
    name: 'http_client_in_flight_requests',
    help: 'Requests to the API server whose answer has not begun.',
    labelNames: ['client'],
    registers,
  });
  errors.inc({ client: CLIENT }, 0);
  inFlight.set({ client: CLIENT }, 0);
  return {
    started: () => inFlight.inc({ client: CLIENT }),
    finished(code: string, method: string, seconds: number) {
      inFlight.dec({ client: CLIENT });
      if (code === '<error>') {
        errors.inc({ client: CLIENT });
        return;
      }
      const labels = { client: CLIENT, code, method: method.toLowerCase() };
      requests.inc(labels);
      latency.observe(labels, seconds);
    },
  };
}

/** Observer of requests to the API server, under client-go's names and Linkerd's. */
export function clientMetrics(registry: Registry) {
  const linkerd = linkerdClientMetrics(registry);
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server by code, method and host.',
    labelNames: ['code', 'method', 'host'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Time until the head of an answer.',
    labelNames: ['verb', 'host'],
    buckets: REQUEST_BUCKETS,
    registers: [registry],
  });
  return {
    started: () => linkerd.started(),
    finished(labels: { code: string; method: string; host: string }, seconds: number) {
      linkerd.finished(labels.code, labels.method, seconds);
      requests.inc(labels);
      duration.observe({ verb: labels.method, host: labels.host }, seconds);
    },
  };
}
