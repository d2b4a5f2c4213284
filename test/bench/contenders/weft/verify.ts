import { PROXY_PORTS } from '../../../../proxy-image/contract/ports.ts';
import type { Pod } from '../../host/site.ts';
import type { Carried, Shape } from '../deployment.ts';

/** Bytes that a row sends at the very least. */
const MIN_BYTES = 10_000_000;

/** The client's proxy has found the route, counted its requests, and (in a pair) spoken mutual TLS to the server's identity. */
export async function verifyOutbound(
  pod: Pod,
  { shape, carried, route }: { shape: Shape; carried: Carried; route: string },
): Promise<void> {
  const metrics = await metricsOf(pod);
  if (carried === 'bytes') {
    expectSeries(metrics, 'tcp_write_bytes_total', { direction: 'outbound' }, MIN_BYTES);
    return;
  }
  if (carried === 'http2') expectRequests(metrics);
  expectSeries(metrics, 'route_request_total', { direction: 'outbound', rt_route: route });
  if (shape === 'pair') expectSeries(metrics, 'request_total', { direction: 'outbound', tls: 'true' });
}

/** A proxy that hands bytes on carries HTTP/2 too, and cheaply: that is not what the row is about. */
function expectRequests(metrics: string): void {
  if (countOf(metrics, 'request_total', { direction: 'outbound' }) >= MIN_REQUESTS) return;
  const bytes = countOf(metrics, 'tcp_write_bytes_total', { direction: 'outbound' });
  throw new Error(
    `weft did not route the HTTP/2 requests but passed their ${bytes} bytes on as TCP: no request_total{direction="outbound"}`,
  );
}

/** The server's proxy has authorized each request by the ServerAuthorization that is meant for such a client. */
export async function verifyInbound(pod: Pod, { shape, route }: { shape: Shape; route: string }): Promise<void> {
  const metrics = await metricsOf(pod);
  const authorization: Record<string, string> =
    shape === 'pair' ? { tls: 'true', authz_name: 'client' } : { authz_name: 'pod-network' };
  expectSeries(metrics, 'inbound_http_authz_allow_total', { srv_name: 'app', ...authorization });
  expectSeries(metrics, 'route_request_total', { direction: 'inbound', rt_route: route });
}

async function metricsOf({ reachableAt }: Pod): Promise<string> {
  const answer = await fetch(`http://${reachableAt}:${PROXY_PORTS.admin}/metrics`, {
    signal: AbortSignal.timeout(5_000),
  });
  return answer.text();
}

/** More than probes leave; less than one of many routes gets in a short round. */
const MIN_REQUESTS = 100;

function expectSeries(
  metrics: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  min: number = MIN_REQUESTS,
): void {
  const count = countOf(metrics, name, labels);
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  if (count < min) throw new Error(`the load was not seen as ${name}{${wanted.join(',')}}: ${count}`);
}

/** Sum of the series that have all these labels. */
export function countOf(metrics: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
