import { Counter, type Registry } from 'prom-client';

/** Requests to the aggregated API. Resources are those of the rows; everything else, discovery included, has none. */
export function vizMetrics(registry: Registry) {
  const requests = new Counter({
    name: 'weft_viz_requests_total',
    help: 'Requests to the aggregated API, by resource (empty: discovery, and what is no resource) and status of HTTP.',
    labelNames: ['resource', 'code'],
    registers: [registry],
  });
  requests.inc({ resource: '', code: '200' }, 0);
  return { answered: (resource: string, status: number) => requests.inc({ resource, code: String(status) }) };
}
