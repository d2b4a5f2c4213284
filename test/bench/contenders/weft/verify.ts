import { PROXY_PORTS } from '../../../../proxy-image/contract/ports.ts';
import type { Pod } from '../../host/site.ts';
import type { Shape } from '../deployment.ts';
import { LOAD_ROUTE } from './cluster-objects.ts';

/** The client's proxy has found the route, counted it, and (in a pair) spoken mutual TLS to the server's identity. */
export async function verifyOutbound(pod: Pod, shape: Shape): Promise<void> {
  const metrics = await metricsOf(pod);
  expectSeries(metrics, 'route_request_total', { direction: 'outbound', rt_route: LOAD_ROUTE });
  if (shape === 'pair') expectSeries(metrics, 'request_total', { direction: 'outbound', tls: 'true' });
}

/** The server's proxy has authorized each request by the ServerAuthorization that is meant for such a client. */
export async function verifyInbound(pod: Pod, shape: Shape): Promise<void> {
  const metrics = await metricsOf(pod);
  const authorization: Record<string, string> =
    shape === 'pair' ? { tls: 'true', authz_name: 'client' } : { authz_name: 'pod-network' };
  expectSeries(metrics, 'inbound_http_authz_allow_total', { srv_name: 'app', ...authorization });
  expectSeries(metrics, 'route_request_total', { direction: 'inbound', rt_route: LOAD_ROUTE });
}

async function metricsOf({ reachableAt }: Pod): Promise<string> {
  const answer = await fetch(`http://${reachableAt}:${PROXY_PORTS.admin}/metrics`, {
    signal: AbortSignal.timeout(5_000),
  });
  return answer.text();
}

/** More than probes and warm-up would leave. */
const MIN_COUNT = 500;

function expectSeries(metrics: string, name: string, labels: Readonly<Record<string, string>>): void {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  const lines = metrics.split('\n').filter((line) => line.startsWith(`${name}{`));
  const found = lines.find((line) => wanted.every((label) => line.includes(label)));
  const count = Number(found?.slice(found.lastIndexOf(' ')) ?? 0);
  if (count < MIN_COUNT) throw new Error(`the load was not seen as ${name}{${wanted.join(',')}}: ${count}`);
}
