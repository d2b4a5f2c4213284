import { Counter, Histogram, type Registry } from 'prom-client';

/** client-go's buckets. */
const REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** Observer of requests to the API server, under client-go's names. */
export function clientMetrics(registry: Registry) {
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
    finished(labels: { code: string; method: string; host: string }, seconds: number) {
      requests.inc(labels);
      duration.observe({ verb: labels.method, host: labels.host }, seconds);
    },
  };
}
