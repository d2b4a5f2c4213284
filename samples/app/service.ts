import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { sendBytes } from './bytes.ts';
import { Counters } from './counters.ts';
import { type GrpcBehaviour, GrpcService } from './grpc-service.ts';

export interface ServiceOptions {
  name: string;
  version: string;
  host: string;
  port: number;
  tcpPort: number;
  /** 0 = no gRPC. */
  grpcPort: number;
  /** Tells the replicas of a gRPC service apart. */
  replica: string;
  /** URL that `GET /` calls before it answers; empty = none. */
  upstream: string;
  /** Share of requests (0..1) answered with 500; a request can ask for its own with `?fail=0.15`. */
  failureRate: number;
  /** How long requests are still answered after SIGTERM, ms: endpoints are removed in that time. */
  drainMs: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 128 });

/** One of the application's services. `/counts` and `/control` are its own view and switches, reached on loopback only. */
export function startService(options: ServiceOptions): Server {
  const counters = new Counters();
  const behaviour: GrpcBehaviour = { slowMs: 0, status: 0 };
  let failureRate = options.failureRate;
  let draining = false;

  const answer = (response: ServerResponse, status: number, body: object): void => {
    const text = JSON.stringify(body);
    response.setHeader('content-type', 'application/json');
    response.setHeader('x-service', options.name);
    response.setHeader('x-version', options.version);
    if (draining) response.setHeader('connection', 'close');
    response.writeHead(status, { 'content-length': Buffer.byteLength(text) });
    response.end(text);
  };

  const business = async (incoming: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const caller = incoming.headers['l5d-client-id'] ?? 'unauthenticated';
    const failed = Math.random() < Number(url.searchParams.get('fail') ?? failureRate);
    counters.count(String(incoming.headers['x-phase'] ?? ''), url.pathname, failed);
    const delayMs = Number(url.searchParams.get('ms') ?? 0);
    if (url.pathname === '/slow') await new Promise((done) => setTimeout(done, Math.min(delayMs, 30_000)));
    if (failed) return answer(response, 500, { service: options.name, error: 'failing at the set rate' });
    const upstream =
      url.pathname === '/' && options.upstream !== '' ? await callUpstream(options.upstream, incoming) : null;
    const status = upstream !== null && upstream.status >= 500 ? 502 : 200;
    answer(response, status, { service: options.name, version: options.version, caller, upstream });
  };

  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://local');
    incoming.resume();
    if (url.pathname === '/counts') return answer(response, 200, counters.report());
    if (url.pathname === '/bytes') return sendBytes(response, Number(url.searchParams.get('size') ?? 0));
    if (url.pathname === '/healthz') return answer(response, 200, { ok: true });
    if (url.pathname === '/control' && incoming.method === 'POST') {
      failureRate = Number(url.searchParams.get('failureRate') ?? failureRate);
      behaviour.slowMs = Number(url.searchParams.get('slowMs') ?? behaviour.slowMs);
      behaviour.status = Number(url.searchParams.get('grpcStatus') ?? behaviour.status);
      counters.reset();
      return answer(response, 200, { failureRate, ...behaviour });
    }
    business(incoming, response, url).catch((error: unknown) => answer(response, 502, { error: String(error) }));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(options.port, options.host, () => console.log(`${options.name} ${options.version} on ${options.port}`));

  const echo = createTcpServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
  if (options.tcpPort > 0) echo.listen(options.tcpPort, options.host);

  const { host, grpcPort, replica } = options;
  const grpc = grpcPort > 0 ? new GrpcService({ host, port: grpcPort, replica }, counters, behaviour) : null;

  process.once('SIGTERM', () => {
    draining = true;
    setTimeout(() => {
      echo.close();
      grpc?.close();
      server.close(() => process.exit(0));
      server.closeIdleConnections();
      setTimeout(() => process.exit(0), 5000).unref();
    }, options.drainMs);
  });
  return server;
}

/** Passes the phase on, so that the services behind count under the same name. */
function callUpstream(url: string, incoming: IncomingMessage): Promise<{ status: number; version: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-phase': String(incoming.headers['x-phase'] ?? '') };
    const outgoing = request(url, { agent, headers, timeout: 10_000 }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, version: String(response.headers['x-version'] ?? '') }),
      );
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('upstream timed out')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}
