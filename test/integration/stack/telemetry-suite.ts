import { expect } from 'chai';
import type { Breaker } from '../../../proxy-image/contract/policy/breaker.ts';
import type { StatusRetry } from '../../../proxy-image/contract/policy/retry.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { type Family, parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import { route } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, type OnStream, serveHttp2 } from './http2-peers.ts';
import { identityName, SHORT_QUEUE, TestMesh, type TestProxy } from './mesh.ts';

const GRPC = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
const BREAKER: Breaker = {
  type: 'consecutive',
  maxFailures: 2,
  minPenaltyMs: 100,
  maxPenaltyMs: 100,
  jitterRatio: 0,
  maxEjectedPercent: 100,
};
const RETRY: StatusRetry = { http: [[503, 503]], grpc: [14], limit: 1, timeoutMs: 0, backoffMs: 25 };

/** Answers a gRPC call with the status that its path names: alone (`/5`), or in trailers behind a message (`/behind/5`). */
const byPath: OnStream = (stream, headers) => {
  const path = String(headers[':path']);
  const status = path.slice(path.lastIndexOf('/') + 1);
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  if (!path.startsWith('/behind/')) {
    stream.respond({ ...head, 'grpc-status': status }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.end('message');
};

/** What a pair of proxies says of HTTP/2 and gRPC, circuit breaking and retries: runs on Node and on Bun. */
export function telemetrySuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ serviceAccount: 'client' });
    server = await mesh.proxy({ serviceAccount: 'server' });
    client.setService({ protocol: 'detect' });
  });
  afterEach(() => mesh.stop());

  const metrics = (proxy: TestProxy): Map<string, Family> => parsePrometheusText(proxy.metrics());

  function behind(port: number): void {
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'detect' }]);
    server.setPolicy(port, { protocol: 'detect' });
  }

  describe('gRPC', () => {
    it('counts calls by grpc_status in both directions, whether it is in the head or in trailers', async () => {
      const { port } = await serveHttp2(mesh, byPath);
      behind(port);
      client.setService({ protocol: 'detect', routes: [route('all', '/.*')] });
      const session = dialHttp2(mesh, client.outbound);
      for (const path of ['/0', '/behind/0', '/behind/14', '/5']) await ask(session, { ...GRPC, ':path': path }, 'x');
      await ask(session, GRPC, '').then(({ status }) => expect(status).to.equal(200));
      for (const [proxy, direction] of [
        [client, 'outbound'],
        [server, 'inbound'],
      ] as const) {
        const count = (grpc_status: string, classification: string) =>
          sampleValue(metrics(proxy), 'response_total', { direction, grpc_status, classification, status_code: '200' });
        await until(() => count('2', 'failure') === 1, 'all responses');
        expect([count('0', 'success'), count('14', 'failure'), count('5', 'success')], direction).to.deep.equal([
          2, 1, 1,
        ]);
      }
      for (const name of ['route_response_total', 'route_actual_response_total']) {
        expect(sampleValue(metrics(client), name, { rt_route: 'all', grpc_status: '14' }), name).to.equal(1);
      }
    });

    it('says nothing of grpc_status for other HTTP/2 requests', async () => {
      const { port } = await serveHttp2(mesh, echo);
      behind(port);
      await ask(dialHttp2(mesh, client.outbound), {});
      for (const proxy of [client, server]) {
        await until(() => metrics(proxy).get('response_total')!.samples.length > 0, 'the response');
        expect(metrics(proxy).get('response_total')!.samples[0]!.labels).to.not.have.property('grpc_status');
      }
    });

    it('an answer of the proxy itself has the status that the caller was told, and the HTTP status that it stands for', async () => {
      client.setService({ protocol: 'detect', routes: [route('all', '/.*')], queue: SHORT_QUEUE });
      client.setEndpoints('web', []);
      const { status, headers } = await ask(dialHttp2(mesh, client.outbound), GRPC, '');
      expect([status, headers['grpc-status']]).to.deep.equal([200, '4']);
      const labels = { rt_route: 'all', grpc_status: '4', status_code: '504', classification: 'failure' };
      await until(() => sampleValue(metrics(client), 'route_response_total', labels) === 1, 'the answer');
    });

    it('a denial is the failure of an attempt to the client, and no request to the proxy that denied it', async () => {
      const { port } = await serveHttp2(mesh, echo);
      behind(port);
      server.setPolicy(port, { protocol: 'detect', authorizations: [] });
      await ask(dialHttp2(mesh, client.outbound), GRPC, '');
      const labels = { grpc_status: '7', status_code: '200', classification: 'failure' };
      await until(() => sampleValue(metrics(client), 'response_total', labels) === 1, 'the denial');
      expect(sampleValue(metrics(server), 'inbound_http_authz_deny_total')).to.equal(1);
      for (const name of ['request_total', 'response_total', 'response_latency_ms']) {
        expect(metrics(server).get(name)!.samples, name).to.deep.equal([]);
      }
    });

    it('the access log has the version, and the status of the call', async () => {
      const { port } = await serveHttp2(mesh, byPath);
      behind(port);
      const session = dialHttp2(mesh, client.outbound);
      await ask(session, { ...GRPC, ':path': '/behind/5', ':authority': 'web' }, 'x');
      await until(() => {
        server.accessLog.flush();
        return server.accessLines.length > 0;
      }, 'the line');
      expect(JSON.parse(server.accessLines[0]!)).to.include({
        version: 'HTTP/2.0',
        method: 'POST',
        uri: '/behind/5',
        host: 'web',
        'client.id': identityName('client'),
        status: 200,
        grpc_status: 5,
        request_bytes: '1',
        response_bytes: '7',
      });
    });
  });

  describe('connections of HTTP/2', () => {
    it('are counted each once, however many requests they carry, with the bytes of all', async () => {
      const { port } = await serveHttp2(mesh, echo);
      behind(port);
      const session = dialHttp2(mesh, client.outbound);
      const body = 'x'.repeat(1000);
      await Promise.all(Array.from({ length: 50 }, () => ask(session, { ':method': 'POST' }, body)));
      for (const [proxy, direction] of [
        [client, 'outbound'],
        [server, 'inbound'],
      ] as const) {
        for (const peer of ['src', 'dst']) {
          const value = (name: string) => sampleValue(metrics(proxy), name, { direction, peer });
          const what = `${direction} ${peer}`;
          expect([value('tcp_open_total'), value('tcp_open_connections')], what).to.deep.equal([1, 1]);
          expect(value('tcp_close_total'), what).to.equal(undefined);
          for (const name of ['tcp_read_bytes_total', 'tcp_write_bytes_total']) {
            expect(value(name), `${what} ${name}`).to.be.greaterThan(50 * body.length);
          }
        }
      }
      session.close();
      const closed = () => sampleValue(metrics(client), 'tcp_close_total', { direction: 'outbound', peer: 'src' });
      await until(() => closed() === 1, 'the end of the connection');
      const open = { direction: 'outbound', peer: 'src' };
      expect(sampleValue(metrics(client), 'tcp_open_connections', open)).to.equal(0);
    });
  });

  describe('circuit breaking and retries', () => {
    it('ejection and return of an endpoint are counted, and the endpoints by state', async () => {
      let status = 500;
      const { port } = await serveHttp2(mesh, (stream) => stream.respond({ ':status': status }, { endStream: true }));
      behind(port);
      client.setService({ protocol: 'detect', breaker: BREAKER });
      const session = dialHttp2(mesh, client.outbound);
      const decisions = (decision: string) =>
        sampleValue(metrics(client), 'weft_outbound_breaker_decisions_total', { decision, backend_name: 'web' });
      const endpoints = (endpoint_state: string) =>
        sampleValue(metrics(client), 'outbound_http_balancer_endpoints', { endpoint_state, parent_name: 'web' });
      for (let i = 0; i < 2; i++) expect((await ask(session, {})).status).to.equal(500);
      expect([decisions('ejected'), decisions('readmitted')]).to.deep.equal([1, undefined]);
      expect([endpoints('ready'), endpoints('pending')]).to.deep.equal([0, 1]);
      expect(sampleValue(metrics(client), 'weft_outbound_ejected_endpoints')).to.equal(1);
      expect((await ask(session, {})).status).to.equal(500);
      expect(decisions('kept_out')).to.equal(1);
      status = 200;
      expect((await ask(session, {})).status).to.equal(200);
      expect(decisions('readmitted')).to.equal(1);
      expect([endpoints('ready'), endpoints('pending')]).to.deep.equal([1, 0]);
    });

    it('retries by annotation are counted: made, successful, and beyond the limit', async () => {
      let answers: string[] = [];
      const { port } = await serveHttp2(mesh, (stream) => {
        const grpcStatus = answers.shift() ?? '14';
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': grpcStatus },
          { endStream: true },
        );
      });
      behind(port);
      client.setService({ protocol: 'detect', retry: RETRY });
      const session = dialHttp2(mesh, client.outbound);
      const retries = () =>
        ['requests', 'successes', 'limit_exceeded', 'overflow'].map((event) =>
          sampleValue(metrics(client), `outbound_http_route_retry_${event}_total`, { route_kind: 'default' }),
        );
      answers = ['0'];
      await ask(session, GRPC, 'x');
      expect(retries()).to.deep.equal([undefined, undefined, undefined, undefined]);
      answers = ['14', '0'];
      expect((await ask(session, GRPC, 'x')).headers).to.include({ 'grpc-status': '0' });
      expect(retries()).to.deep.equal([1, 1, undefined, undefined]);
      answers = ['14', '14'];
      expect((await ask(session, GRPC, 'x')).headers).to.include({ 'grpc-status': '14' });
      expect(retries()).to.deep.equal([2, 1, 1, undefined]);
    });

    it('a retry for which there is no endpoint is overflow', async () => {
      const { port } = await serveHttp2(mesh, (stream) => stream.respond({ ':status': 503 }, { endStream: true }));
      behind(port);
      client.setService({
        protocol: 'detect',
        retry: RETRY,
        breaker: { ...BREAKER, maxFailures: 1, minPenaltyMs: 60_000, maxPenaltyMs: 60_000 },
        queue: { capacity: 10, failfastMs: 50 },
      });
      const answer = await ask(dialHttp2(mesh, client.outbound), {});
      expect(answer.status).to.equal(504);
      const count = (name: string, labels = {}) => sampleValue(metrics(client), name, labels);
      expect(count('outbound_http_route_retry_requests_total')).to.equal(1);
      expect(count('outbound_http_route_retry_overflow_total')).to.equal(1);
      expect(count('outbound_http_errors_total', { error: 'failfast' })).to.equal(1);
    });
  });
}
