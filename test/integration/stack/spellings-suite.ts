import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { encodeBlock } from '../../support/http2.ts';
import { compileRaw, injected, type Raw } from '../../support/inbound.ts';
import { parsePrometheusText } from '../../support/prometheus-text.ts';
import { END_HEADERS, END_STREAM, frame } from '../../unit/codec/http2/frames.ts';
import { authorization, route, WORKLOAD_KEY } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { ask as askHttp2, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { dialFrames } from './http2-raw.ts';
import { identityName, TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, serveHttp } from './peers.ts';

const DENY = { 'config.linkerd.io/default-inbound-policy': 'deny' };
const CHECK = '/grpc.health.v1.Health/Check';
const GRPC = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

/** Spellings that one reader takes for `/health` and another does not; `#`, controls and raw blanks are malformed (A10). */
const ODD_TARGETS = [
  '//health',
  '///health',
  '/health/',
  '/health//',
  '/./health',
  '/health/.',
  '/x/../health',
  '/health/../admin',
  '/health/../health',
  '/../health',
  '/health/..;/admin',
  '/health;x=1',
  '/;x/health',
  '/%2e/health',
  '/%2E/health',
  '/x/%2e%2e/health',
  '/x/.%2e/health',
  '/%2fhealth',
  '/%2Fhealth',
  '/health%2f',
  '/health%2f..%2fadmin',
  '/x%5c..%5chealth',
  '/\\health',
  '\\health',
  '/x\\..\\health',
  '/health\\..\\admin',
  '/health%00',
  '/health%00.html',
  '/%00/../health',
  '/%68ealth',
  '/he%61lth',
  '/%2568ealth',
  '/%252e%252e/health',
  '/health%252f..%252fadmin',
  '/HEALTH',
  '/Health',
  '/health?',
  '/health?x',
  '/health%3f',
  '/health%20',
  '/health+',
  '/health#',
  '/health#/admin',
  '/health%23',
  '/health%',
  '/health%zz',
  '/health%u002e',
  '/%c0%ae/health',
  '/\xe8health',
  '/health\t',
  'health',
  '*',
  '',
  'http://web/health',
  'HTTP://web/health',
  'https://web/health',
  'http://secrets.internal/health',
  'http://web//health',
];

/** One thing spelt in many ways, or said several times: what is let through is one spelling, and what reaches the application is what was judged. */
export function spellingsSuite(create: (onFault: (error: unknown) => void) => Transport): void {
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

  /** The proxy of a pod that denies everybody, with an application on `port` that is probed so. */
  function denying(port: number, probes: Raw): void {
    const web = { name: 'web', ports: [{ name: 'http', containerPort: port }], ...probes };
    server.set(WORKLOAD_KEY, compileRaw({ pod: injected(web), podAnnotations: DENY }));
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'detect' }]);
  }

  async function recording(): Promise<{ port: number; reached: string[] }> {
    const reached: string[] = [];
    const { port } = await serveHttp(mesh, (request) => {
      reached.push(request.split('\r\n', 1)[0]!);
      return ok('here');
    });
    return { port, reached };
  }

  /** Each on a connection of its own: a malformed one ends it. 0: closed without a word, as what detection does not take for HTTP. */
  async function statusOf(request: string): Promise<number> {
    const caller = dialRaw(mesh, client.outbound);
    caller.send(request);
    await until(() => caller.text.includes('\r\n\r\n') || caller.closed, `an answer to ${JSON.stringify(request)}`);
    caller.close();
    return Number(caller.text.slice(9, 12));
  }

  describe('C6: paths', () => {
    const PROBES = {
      readinessProbe: { httpGet: { path: '/health', port: 'http' } },
      livenessProbe: { httpGet: { path: '/a%2Fb;v=1', port: 'http' } },
    };

    it('under deny the kubelet’s own target is let through and no other spelling of it, in HTTP/1', async () => {
      const { port, reached } = await recording();
      denying(port, PROBES);
      for (const target of [...ODD_TARGETS, '/a/b;v=1', '/a%2fb;v=1', '/a%252Fb;v=1', '/a%2Fb', '/a%2Fb;v=1;w']) {
        for (const method of ['GET', 'HEAD']) {
          const status = await statusOf(`${method} ${target} HTTP/1.1\r\nHost: web\r\n\r\n`);
          expect([0, 400, 403], `${method} ${JSON.stringify(target)}`).to.include(status);
        }
      }
      expect(reached).to.deep.equal([]);
      for (const target of ['/health', '/a%2Fb;v=1']) {
        expect(await statusOf(`GET ${target} HTTP/1.1\r\nHost: web\r\n\r\n`), target).to.equal(200);
      }
      expect(reached).to.deep.equal(['GET /health HTTP/1.1', 'GET /a%2Fb;v=1 HTTP/1.1']);
    });

    it('… and in HTTP/2; of the health check of gRPC as well', async () => {
      const reached: string[] = [];
      const { port } = await serveHttp2(mesh, (stream, headers) => {
        reached.push(String(headers[':path']));
        echo(stream, headers);
      });
      denying(port, { ...PROBES, startupProbe: { grpc: { port } } });
      for (const target of ODD_TARGETS.filter((one) => !one.includes('\t') && !one.includes('\xe8'))) {
        const answer = await askHttp2(dialHttp2(mesh, client.outbound), { ':path': target });
        // A malformed path ends its stream.
        expect([0, 400, 403], JSON.stringify(target)).to.include(answer.status);
      }
      for (const target of [
        `/${CHECK}`,
        `${CHECK}/`,
        '/grpc.health.v1.Health/./Check',
        '/grpc.health.v1.Health%2fCheck',
      ]) {
        const answer = await askHttp2(dialHttp2(mesh, client.outbound), { ...GRPC, ':path': target }, Buffer.alloc(5));
        expect(answer.headers['grpc-status'], target).to.equal('7');
      }
      expect(reached).to.deep.equal([]);
      expect((await askHttp2(dialHttp2(mesh, client.outbound), { ':path': '/health' })).status).to.equal(200);
      expect(reached).to.deep.equal(['/health']);
    });

    it('who may come reaches the very spelling that was judged: nothing is decoded, joined or sorted out on the way', async () => {
      const { port, reached } = await recording();
      client.setEndpoints('web', [mesh.meshed(server, port)]);
      server.setPolicy(port, { probePaths: ['/health'] });
      const sent: string[] = [];
      for (const target of ODD_TARGETS) {
        const status = await statusOf(`GET ${target} HTTP/1.1\r\nHost: web\r\n\r\n`);
        expect([0, 200, 400], JSON.stringify(target)).to.include(status);
        if (status === 200) sent.push(`GET ${target} HTTP/1.1`);
      }
      expect(sent.length).to.be.above(40);
      expect(reached).to.deep.equal(sent);
    });

    it('a route of a profile is found by the spelling that came, too', async () => {
      const { port } = await recording();
      client.setService({ protocol: 'http1', routes: [route('admin', '/admin')] });
      client.setEndpoints('web', [mesh.plain(port)]);
      for (const target of ['/admin', '/admin?x', '//admin', '/%61dmin', '/x/../admin', '/admin/'])
        expect(await statusOf(`GET ${target} HTTP/1.1\r\nHost: web\r\n\r\n`), target).to.equal(200);
      const counted = parsePrometheusText(client.metrics()).get('route_request_total');
      const found = counted?.samples.filter(({ labels }) => labels['rt_route'] === 'admin') ?? [];
      expect(found.reduce((sum, { value }) => sum + value, 0)).to.equal(2);
    });
  });

  describe('C5: names of hosts', () => {
    const HOSTS = [
      'web',
      'WEB',
      'web.',
      'web,admin',
      'web:80',
      'web:65535',
      'web.shop.svc.cluster.local.',
      'admin.shop.svc.cluster.local',
      '127.0.0.1',
      '127.1',
      '[::1]',
      '[::1]:80',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      'xn--bcher-kva.example',
      'localhost',
    ];

    it('decide nothing, whatever their case, dot, port, brackets or alphabet: neither destination nor policy nor series', async () => {
      const { port, reached } = await recording();
      const other = await recording();
      client.setEndpoints('web', [mesh.meshed(server, port)]);
      const onlyFor = (name: string) =>
        authorization('one', { authentication: { type: 'identities', identities: [identityName(name)] } });
      server.set(WORKLOAD_KEY, compileRaw({ pod: injected({ name: 'web' }) }));
      server.setPolicy(port, { authorizations: [onlyFor('client')] });
      for (const host of [...HOSTS, `127.0.0.1:${other.port}`, `localhost:${other.port}`]) {
        expect(await statusOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), host).to.equal(200);
        expect(await statusOf(`GET http://${host}/ HTTP/1.1\r\nHost: web\r\n\r\n`), host).to.equal(200);
        expect((await askHttp2(dialHttp2(mesh, client.outbound), { ':authority': host })).status, host).to.equal(200);
      }
      const asked = reached.length;
      expect(asked).to.equal(3 * (HOSTS.length + 2));
      expect(other.reached).to.deep.equal([]);
      const metrics = client.metrics() + server.metrics();
      for (const host of ['WEB', 'xn--bcher', '::1', 'localhost']) expect(metrics).not.to.contain(host);
      server.setPolicy(port, { authorizations: [onlyFor('another')] });
      for (const host of HOSTS) {
        expect(await statusOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), host).to.equal(403);
      }
      expect(reached).to.have.length(asked);
    });

    it('that are none are refused', async () => {
      const { port, reached } = await recording();
      client.setEndpoints('web', [mesh.meshed(server, port)]);
      for (const host of ['web/', 'a@web', 'web web', '[::1', '::1]', 'web:80:80', 'web:x', 'b\xfccher']) {
        expect(await statusOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), host).to.equal(400);
      }
      expect(reached).to.deep.equal([]);
    });
  });

  describe('C4: what is said twice', () => {
    it('a host in HTTP/1 is refused, be it the same', async () => {
      const { port, reached } = await recording();
      client.setEndpoints('web', [mesh.meshed(server, port)]);
      for (const second of ['web', 'admin', '']) {
        expect(await statusOf(`GET / HTTP/1.1\r\nHost: web\r\nHost: ${second}\r\n\r\n`), second).to.equal(400);
      }
      expect(reached).to.deep.equal([]);
    });

    it('an identity is believed in none of its values: the one of the certificate is all that the application hears', async () => {
      const { port } = await serveHttp(mesh, (request) => ok(request));
      client.setEndpoints('web', [mesh.meshed(server, port)]);
      const claims = ['admin', `${identityName('admin')}, ${identityName('client')}`, ''].map(
        (name) => `l5d-client-id: ${name}\r\n`,
      );
      const caller = dialRaw(mesh, client.outbound);
      caller.send(`GET / HTTP/1.1\r\nHost: web\r\n${claims.join('')}\r\n`);
      const text = await caller.hears(identityName('client'));
      expect(text.match(/l5d-client-id/gi)).to.have.length(1);
      expect(text).not.to.contain('admin');
    });

    it('a type of content that is gRPC’s and another makes no health check of a call: it is denied', async () => {
      const reached: string[] = [];
      const { port } = await serveHttp2(mesh, (stream, headers) => {
        reached.push(String(headers['content-type']));
        echo(stream, headers);
      });
      denying(port, { readinessProbe: { grpc: { port } } });
      const call = (types: string[]): [string, string][] => [
        [':method', 'POST'],
        [':scheme', 'http'],
        [':authority', 'web'],
        [':path', CHECK],
        ...types.map((type): [string, string] => ['content-type', type]),
      ];
      for (const types of [
        ['application/json', 'application/grpc'],
        ['application/grpc', 'application/json'],
        ['application/grpc, application/json'],
      ]) {
        const caller = dialFrames(mesh, client.outbound);
        const fields = call(types);
        const section = encodeBlock(
          fields.map(([name]) => name),
          fields.map(([, value]) => value),
        );
        caller.send(frame('HEADERS', END_HEADERS | END_STREAM, 1, section));
        await until(() => caller.heard.some((line) => line.startsWith('HEADERS 1')), 'the answer');
      }
      expect(reached).to.deep.equal([]);
      expect(
        (await askHttp2(dialHttp2(mesh, client.outbound), { ...GRPC, ':path': CHECK }, Buffer.alloc(5))).status,
      ).to.equal(200);
    });
  });
}
