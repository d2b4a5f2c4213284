import { createServer, type Server } from 'node:http';
import type { Counts } from './counts.ts';

export interface AdminOptions {
  host: string;
  port: number;
  counts: Counts;
  isReady(): boolean;
  /** `POST /rate?perSecond=N`, where the workload has a rate. Resolves when nothing of the rate before is under way. */
  setRate?(perSecond: number): Promise<void>;
}

/**
 * A port of its own, so that the counts of the other ports are of the application's calls only: `GET /healthz`, `GET /counts`, and `POST /rate`. What changes
 * something is taken from the pod itself only (`kubectl exec`).
 */
export function startAdmin(options: AdminOptions): Server {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://local');
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    request.resume();
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /healthz':
        return answer(options.isReady() ? 200 : 503, { ready: options.isReady() });
      case 'GET /counts':
        return answer(200, options.counts.report());
      case 'POST /rate': {
        const perSecond = Number(url.searchParams.get('perSecond') ?? Number.NaN);
        if (options.setRate === undefined) return answer(404, { error: 'this workload has no rate' });
        if (!isLoopback(request.socket.remoteAddress)) return answer(403, { error: 'only from within the pod' });
        if (!(perSecond >= 0)) return answer(400, { error: 'perSecond is not a number of at least 0' });
        await options.setRate(perSecond);
        return answer(200, { perSecond });
      }
      default:
        return answer(404, { error: 'expected GET /healthz, GET /counts or POST /rate?perSecond=N' });
    }
  });
  return server.listen(options.port, options.host);
}

function isLoopback(address = ''): boolean {
  return address === '::1' || address.replace(/^::ffff:/, '').startsWith('127.');
}
