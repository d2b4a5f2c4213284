import { expect } from 'chai';
import type { Filter, HeaderChanges } from '../../../proxy-image/contract/policy/filter.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { backend, service } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, serveHttp2 } from './http2-peers.ts';
import { SERVICE_KEY, TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, ok, serveHttp, serveRaw } from './peers.ts';

const NONE: HeaderChanges = { add: [], set: [], remove: [] };
const CHANGES: HeaderChanges = {
  add: [{ name: 'x-add', value: 'added' }],
  set: [{ name: 'x-set', value: 'new' }],
  remove: ['x-remove'],
};
const REWRITE: Filter = {
  type: 'rewrite',
  hostname: 'other.example',
  path: { type: 'prefix', prefix: '/foo', path: '/new' },
};
const FAIL: Filter = { type: 'fail', status: 418, grpcStatus: 8, message: 'teapot', ratio: 1 };
const FIELDS = { 'x-add': 'old', 'x-set': 'old', 'x-remove': 'gone' };
const LINES = 'X-Add: old\r\nX-Set: old\r\nX-Remove: gone\r\n';
const GRPC = { ':method': 'POST', ':path': '/shop.Cart/Add', 'content-type': 'application/grpc', te: 'trailers' };

/** What filters of rules and of backends do on the wire, in both versions of HTTP. Runs on Node and on Bun. */
export function filtersSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy();
  });
  afterEach(() => mesh.stop());

  /** All requests are of one rule, which has `filters`, and go to `web`, whose share has `ofShare`; `v2` gets nothing. */
  function filtered(
    filters: Filter[],
    ofShare: Filter[] = [],
    protocol: 'http1' | 'http2' | 'detect' = 'detect',
  ): void {
    const body = service({ protocol, backends: [backend('web', 1), backend('v2', 0)] });
    const { policies, distributions, fallback } = body.policy;
    policies[fallback]!.filters = filters;
    distributions[0]![0]!.filters = ofShare;
    proxy.set(SERVICE_KEY, body);
  }

  function behind(port: number): void {
    proxy.setEndpoints('web', [{ ...mesh.plain(port), protocol: 'detect' }]);
  }

  async function http1(respond: (request: string) => string = () => ok('hello')): Promise<string[]> {
    const seen: string[] = [];
    const { port } = await serveHttp(mesh, (request) => {
      seen.push(request);
      return respond(request);
    });
    behind(port);
    return seen;
  }

  /** Heads and bodies that an application of HTTP/2 has seen. */
  async function http2(): Promise<{ head: Record<string, unknown>; body: string }[]> {
    const seen: { head: Record<string, unknown>; body: string }[] = [];
    const { port } = await serveHttp2(mesh, (stream, headers) => {
      let body = '';
      stream.setEncoding('latin1');
      stream.on('data', (chunk: string) => {
        body += chunk;
      });
      stream.on('end', () => {
        seen.push({ head: { ...headers }, body });
        stream.respond({ ':status': 200, 'x-set': 'old', 'x-remove': 'gone' });
        stream.end('hello');
      });
    });
    behind(port);
    return seen;
  }

  describe('request headers, path and host', () => {
    const filters: Filter[] = [{ type: 'requestHeaders', changes: CHANGES }, REWRITE];

    it('HTTP/1: add, set, remove; another path and host; the query stays', async () => {
      filtered(filters);
      const [seen, client] = [await http1(), dialRaw(mesh, proxy.outbound)];
      await askOn(client, `GET /foo/bar?q=1 HTTP/1.1\r\nHost: web\r\n${LINES}\r\n`);
      expect(seen[0]).to.equal(
        'GET /new/bar?q=1 HTTP/1.1\r\nHost: other.example\r\nX-Add: old\r\nX-Set: new\r\nX-Add: added\r\n' +
          'l5d-dst-canonical: web.shop.svc.cluster.local:80\r\n\r\n',
      );
      // The connection serves the next one, which has not been touched by what happened to the first.
      await askOn(client, 'GET /elsewhere HTTP/1.1\r\nHost: web\r\n\r\n');
      expect(seen[1]).to.match(/^GET \/elsewhere HTTP\/1\.1\r\n/);
    });

    it('HTTP/1 in absolute form: the path and the host that go on are those of the filter', async () => {
      filtered(filters);
      const [seen, client] = [await http1(), dialRaw(mesh, proxy.outbound)];
      await askOn(client, 'GET http://web/foo/bar HTTP/1.1\r\nHost: web\r\n\r\n');
      expect(seen[0]).to.match(/^GET \/new\/bar HTTP\/1\.1\r\nHost: other\.example\r\n/);
    });

    it('HTTP/1: a body that comes in chunks is carried as it was', async () => {
      filtered(filters);
      const { port } = await serveRaw(mesh, (one) => {
        if (one.text.endsWith('0\r\n\r\n')) one.socket.write(ok(`${one.text.length}`));
      });
      behind(port);
      const client = dialRaw(mesh, proxy.outbound);
      const head = 'POST /foo HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n';
      expect(await askOn(client, `${head}5\r\nhello\r\n0\r\n\r\n`)).to.match(/^HTTP\/1\.1 200 /);
    });

    it('HTTP/1: an upgrade is still one', async () => {
      filtered([{ type: 'requestHeaders', changes: CHANGES }]);
      const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
      const { port, served } = await serveRaw(mesh, (one) => {
        if (one.text.endsWith('\r\n\r\n')) one.socket.write(switching);
      });
      behind(port);
      const client = dialRaw(mesh, proxy.outbound);
      client.send('GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
      expect(await client.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 101 /);
      expect(served[0]!.text).to.match(/x-add: added/i);
      expect(served[0]!.text).to.match(/connection: upgrade/i);
    });

    it('HTTP/2: the same, with the body', async () => {
      filtered(filters);
      const seen = await http2();
      const session = dialHttp2(mesh, proxy.outbound);
      await ask(session, { ':method': 'POST', ':path': '/foo/bar?q=1', ...FIELDS }, 'body');
      await ask(session, { ':path': '/other' });
      const [first, second] = seen;
      expect(first!.body).to.equal('body');
      expect(first!.head).to.include({ ':path': '/new/bar?q=1', ':authority': 'other.example', 'x-set': 'new' });
      expect(first!.head['x-add']).to.equal('old, added');
      expect(first!.head).not.to.have.property('x-remove');
      expect(second!.head[':path']).to.equal('/other');
    });

    it('gRPC: the same', async () => {
      filtered([{ type: 'requestHeaders', changes: CHANGES }]);
      const seen = await http2();
      await ask(dialHttp2(mesh, proxy.outbound), { ...GRPC, ...FIELDS }, 'message');
      expect(seen[0]!.head).to.include({ ':path': '/shop.Cart/Add', 'x-set': 'new', te: 'trailers' });
    });

    it('from HTTP/2 to HTTP/1, and the other way', async () => {
      filtered(filters, [], 'http1');
      const seen1 = await http1();
      await ask(dialHttp2(mesh, proxy.outbound), { ':path': '/foo', ...FIELDS });
      expect(seen1[0]).to.match(/^GET \/new HTTP\/1\.1\r\nhost: other\.example\r\n/);
      expect(seen1[0]).to.match(/x-set: new\r\n/);
      filtered(filters, [], 'http2');
      const seen2 = await http2();
      await askOn(dialRaw(mesh, proxy.outbound), `GET /foo HTTP/1.1\r\nHost: web\r\n${LINES}\r\n`);
      expect(seen2[0]!.head).to.include({ ':path': '/new', ':authority': 'other.example', 'x-set': 'new' });
    });
  });

  describe('response headers', () => {
    const filters: Filter[] = [{ type: 'responseHeaders', changes: CHANGES }];

    it('HTTP/1: changed on the way back, body and framing as they were', async () => {
      filtered(filters);
      await http1(() => ok('hello', 'X-Set: old\r\nX-Remove: gone\r\n'));
      const answer = await askOn(dialRaw(mesh, proxy.outbound));
      expect(answer).to.equal('HTTP/1.1 200 OK\r\nX-Set: new\r\ncontent-length: 5\r\nx-add: added\r\n\r\nhello');
    });

    it('HTTP/2, and from HTTP/2 to HTTP/1', async () => {
      filtered(filters);
      await http2();
      const { headers, body } = await ask(dialHttp2(mesh, proxy.outbound), {});
      expect(headers).to.include({ 'x-set': 'new', 'x-add': 'added' });
      expect(headers).not.to.have.property('x-remove');
      expect(body).to.equal('hello');
      filtered(filters, [], 'http2');
      expect(await askOn(dialRaw(mesh, proxy.outbound))).to.match(/x-set: new\r\n(?:.*\r\n)*\r\n/);
    });

    it('what is nearer to the backend changes first', async () => {
      const set = (value: string): Filter => {
        return { type: 'responseHeaders', changes: { ...NONE, set: [{ name: 'x-set', value }] } };
      };
      filtered([set('rule')], [set('share')]);
      await http1();
      expect(await askOn(dialRaw(mesh, proxy.outbound))).to.match(/\r\nx-set: rule\r\n/);
    });
  });

  describe('answers without the backend', () => {
    const redirect: Filter = { type: 'redirect', scheme: 'https', hostname: '', port: 0, path: null, status: 301 };

    it('a redirect, to both versions', async () => {
      filtered([redirect]);
      const seen = await http1();
      const answer = await askOn(dialRaw(mesh, proxy.outbound), 'GET /a?b HTTP/1.1\r\nHost: web:8080\r\n\r\n');
      expect(answer).to.match(/^HTTP\/1\.1 301 .*\r\n(?:.*\r\n)*location: https:\/\/web\/a\?b\r\n/i);
      const { status, headers } = await ask(dialHttp2(mesh, proxy.outbound), { ':path': '/a', ':authority': 'web' });
      expect([status, headers['location']]).to.deep.equal([301, 'https://web/a']);
      expect(seen).to.deep.equal([]);
    });

    it('a failure, by its status; of gRPC by its code', async () => {
      filtered([FAIL]);
      const seen = await http1();
      const answer = await askOn(dialRaw(mesh, proxy.outbound));
      expect(answer).to.match(/^HTTP\/1\.1 418 .*\r\n(?:.*\r\n)*l5d-proxy-error: teapot\r\n/i);
      const session = dialHttp2(mesh, proxy.outbound);
      expect((await ask(session, {})).status).to.equal(418);
      const call = await ask(session, GRPC, 'message');
      expect(call.status).to.equal(200);
      expect({ ...call.headers, ...call.trailers }).to.include({ 'grpc-status': '8', 'grpc-message': 'teapot' });
      expect(seen).to.deep.equal([]);
    });

    it('a failure of the share that was drawn', async () => {
      filtered([], [FAIL]);
      await http1();
      expect(await askOn(dialRaw(mesh, proxy.outbound))).to.match(/^HTTP\/1\.1 418 /);
    });
  });

  describe('a delay', () => {
    it('holds the request up, with its body and its filters, and nothing else', async () => {
      filtered([
        { type: 'delay', ms: 200, ratio: 1 },
        { type: 'requestHeaders', changes: CHANGES },
      ]);
      const seen = await http2();
      const session = dialHttp2(mesh, proxy.outbound);
      const began = performance.now();
      await ask(session, { ':method': 'POST', ...FIELDS }, 'body');
      expect(performance.now() - began).to.be.at.least(195);
      expect(seen[0]).to.deep.include({ body: 'body' });
      expect(seen[0]!.head['x-set']).to.equal('new');
    });

    it('before a failure: it fails later', async () => {
      filtered([{ type: 'delay', ms: 200, ratio: 1 }, FAIL]);
      const began = performance.now();
      expect(await askOn(dialRaw(mesh, proxy.outbound))).to.match(/^HTTP\/1\.1 418 /);
      expect(performance.now() - began).to.be.at.least(195);
    });

    it('whose client has left ends with it', async () => {
      filtered([{ type: 'delay', ms: 100, ratio: 1 }]);
      const seen = await http1();
      const client = dialRaw(mesh, proxy.outbound);
      client.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.socket.resetAndDestroy();
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect(seen).to.deep.equal([]);
    });
  });

  describe('a mirror', () => {
    const MIRROR: Filter = { type: 'mirror', backend: 1, ratio: 1 };

    /** An application behind the other backend, and what it has seen. */
    async function shadow(answers: boolean): Promise<string[]> {
      const seen: string[] = [];
      const { port } = await serveRaw(mesh, (one, text) => {
        seen.push(text);
        if (answers) one.socket.write(ok('shadow'));
      });
      proxy.setEndpoints('v2', [{ ...mesh.plain(port), protocol: 'detect' }]);
      return seen;
    }

    it('HTTP/1: gets a copy with its body, as the rule has changed it; its answer is dropped', async () => {
      filtered([{ type: 'requestHeaders', changes: CHANGES }, MIRROR]);
      const copies = await shadow(true);
      const { port } = await serveRaw(mesh, (one) => one.socket.write(ok('hello')));
      behind(port);
      const client = dialRaw(mesh, proxy.outbound);
      const post = 'POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\n\r\nbody';
      expect(await askOn(client, post)).to.match(/hello$/);
      expect(await askOn(client, post)).to.match(/hello$/);
      await until(() => copies.join('').split('body').length === 3, 'two copies');
      expect(copies[0]).to.match(/^POST \/a HTTP\/1\.1\r\n(?:.*\r\n)*x-add: added\r\n(?:.*\r\n)*\r\nbody$/);
    });

    it('HTTP/2: the same, to a backend of HTTP/1', async () => {
      filtered([MIRROR], [], 'http1');
      const copies = await shadow(true);
      const seen = await http1();
      const { body } = await ask(dialHttp2(mesh, proxy.outbound), { ':path': '/two' });
      expect(body).to.equal('hello');
      await until(() => copies.length === 1, 'the copy');
      expect([seen[0]!.split('\r\n')[0], copies[0]!.split('\r\n')[0]]).to.deep.equal([
        'GET /two HTTP/1.1',
        'GET /two HTTP/1.1',
      ]);
    });

    it('that never answers, or is not there, keeps nobody waiting', async () => {
      filtered([MIRROR]);
      await http1();
      proxy.setEndpoints('v2', []);
      expect(await askOn(dialRaw(mesh, proxy.outbound))).to.match(/hello$/);
      const copies = await shadow(false);
      for (let i = 0; i < 3; i++) expect(await askOn(dialRaw(mesh, proxy.outbound))).to.match(/hello$/);
      await until(() => copies.length >= 3, 'the copies');
    });

    it('gets no body that is longer than what is kept', async () => {
      filtered([MIRROR]);
      const copies = await shadow(true);
      const { port } = await serveRaw(mesh, (one) => {
        if (one.text.endsWith('end')) one.socket.write(ok('hello'));
      });
      behind(port);
      const body = `${'x'.repeat(65_536)}end`;
      const head = `POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${body.length}\r\n\r\n`;
      expect(await askOn(dialRaw(mesh, proxy.outbound), head + body)).to.match(/hello$/);
      expect(
        await askOn(dialRaw(mesh, proxy.outbound), 'POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\nend'),
      ).to.match(/hello$/);
      // Head and body may come in one piece or in two.
      await until(() => copies.join('').endsWith('end'), 'the copy of the short one');
      expect(copies.join('').match(/POST/g)).to.have.length(1);
      expect(copies.join('')).not.to.include('xxx');
    });
  });

  it('filters of a share see what those of the rule have made, and are applied to its requests only', async () => {
    const path = (from: string, to: string): Filter => {
      return { type: 'rewrite', hostname: '', path: { type: 'prefix', prefix: from, path: to } };
    };
    filtered([path('/a', '/b')], [path('/b', '/c'), { type: 'requestHeaders', changes: CHANGES }]);
    const seen = await http1();
    await askOn(dialRaw(mesh, proxy.outbound), 'GET /a/x HTTP/1.1\r\nHost: web\r\n\r\n');
    expect(seen[0]).to.match(/^GET \/c\/x HTTP\/1\.1\r\n/);
    expect(seen[0]).to.match(/\r\nx-add: added\r\n/);
  });
}
