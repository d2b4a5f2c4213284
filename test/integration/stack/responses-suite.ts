import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, GET, ok, type RawClient, type Served, serveHttp, serveRaw } from './peers.ts';

/**
 * Responses that are not quite what RFC 9110 and RFC 9112 ask for, but of which nobody can be in doubt where they end: they pass, and what is dubious behind
 * them reaches nobody. Through a pair of proxies, on Node and on Bun.
 */
export function responsesSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({});
    server = await mesh.proxy({ serviceAccount: 'server' });
    client.setService({});
  });
  afterEach(() => mesh.stop());

  const dial = (): RawClient => dialRaw(mesh, client.outbound);

  async function rawApplication(onText: (one: Served, chunk: string) => void): Promise<Served[]> {
    const { port, served } = await serveRaw(mesh, onText);
    client.setEndpoints('web', [mesh.meshed(server, port)]);
    return served;
  }

  describe('bodies where there are none', () => {
    const smuggled = ok('smuggled');
    const heads: Record<string, [request: string, head: string, body: string]> = {
      '204 that announces chunks': [GET, 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
      '204 that announces chunks, without any': [GET, 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n', ''],
      '204 with a length of nothing': [GET, 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n', ''],
      '204 with a length': [GET, `HTTP/1.1 204 No Content\r\nContent-Length: ${smuggled.length}\r\n`, smuggled],
      '204 with a body that is not announced': [GET, 'HTTP/1.1 204 No Content\r\n', smuggled],
      '304 with a length': [GET, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n', ''],
      '304 with a body': [GET, `HTTP/1.1 304 Not Modified\r\nContent-Length: ${smuggled.length}\r\n`, smuggled],
      'HEAD with a body': [
        GET.replace('GET', 'HEAD'),
        `HTTP/1.1 200 OK\r\nContent-Length: ${smuggled.length}\r\n`,
        smuggled,
      ],
    };
    for (const [what, [request, head, body]] of Object.entries(heads)) {
      it(`A14: ${what}: the head passes, the body reaches nobody, and the connection is not used again where there may be one`, async () => {
        const served = await rawApplication((one) => {
          if (!one.text.endsWith('\r\n\r\n')) return;
          const isNext = one.text.includes('GET /next');
          one.text = '';
          one.socket.write(isNext ? ok('next') : `${head}\r\n${body}`);
        });
        const caller = dial();
        caller.send(request);
        const text = await caller.hears('\r\n\r\n');
        expect(text).to.match(new RegExp(`^${head.split('\r\n')[0]}\r\n`));
        expect(text).not.to.match(/transfer-encoding/i);
        if (head.includes(' 204 ')) expect(text).not.to.match(/content-length/i);
        else expect(text).to.match(/content-length/i);
        caller.text = '';
        caller.send('GET /next HTTP/1.1\r\nHost: web\r\n\r\n');
        expect(await caller.hears('next')).to.match(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*\r\nnext$/);
        const dubious = body !== '' || head.includes('chunked');
        expect(served).to.have.length(dubious ? 2 : 1);
        if (dubious)
          await until(() => served[0]!.ended || served[0]!.socket.destroyed, 'the end of the connection behind');
      });
    }

    it('A14: a late body of a 204 meets no other request', async () => {
      const served = await rawApplication((one) => {
        const isNext = one.text.includes('GET /next');
        one.socket.write(isNext ? ok('next') : 'HTTP/1.1 204 No Content\r\nContent-Length: 70\r\n\r\n');
        if (!isNext) setTimeout(() => one.socket.write(ok('smuggled')), 20);
      });
      const caller = dial();
      caller.send(GET);
      await caller.hears('\r\n\r\n');
      for (let i = 0; i < 10; i++) {
        caller.text = '';
        caller.send('GET /next HTTP/1.1\r\nHost: web\r\n\r\n');
        expect(await caller.hears('next')).not.to.contain('smuggled');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(served).to.have.length(2);
    });

    it('RFC 9110 §8.6: no length of a 204 goes on, whatever version it comes and goes in', async () => {
      client.setService({ protocol: 'detect' });
      const old = await serveHttp(mesh, () => 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n');
      const modern = await serveHttp2(mesh, (stream) => {
        stream.respond({ ':status': 204, 'content-length': '0' }, { endStream: true });
      });
      const session = dialHttp2(mesh, client.outbound);
      client.setEndpoints('web', [{ ...mesh.plain(old.port), protocol: 'http1' }]);
      expect((await ask(session, { ':authority': 'web' })).headers).not.to.have.property('content-length');
      client.setEndpoints('web', [{ ...mesh.plain(modern.port), protocol: 'http2' }]);
      const answer = await ask(session, { ':authority': 'web' });
      expect(answer.status).to.equal(204);
      expect(answer.headers).not.to.have.property('content-length');
      const caller = dial();
      caller.send(GET);
      expect(await caller.hears('\r\n\r\n')).not.to.match(/content-length/i);
    });
  });

  describe('interim responses', () => {
    it('RFC 9110 §15.2: more than eight pass, and the final one behind them', async () => {
      await rawApplication((one) => one.socket.write(`${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(60)}${ok('fine')}`));
      const caller = dial();
      caller.send(GET);
      expect((await caller.hears('fine')).match(/HTTP\/1\.1 102 /g)).to.have.length(60);
    });

    it('RFC 9110 §15.2: from HTTP/2 too', async () => {
      client.setService({ protocol: 'detect' });
      const { port } = await serveHttp2(mesh, (stream) => {
        for (let i = 0; i < 60; i++) stream.additionalHeaders({ ':status': 103, link: `</${i}>` });
        stream.respond({ ':status': 200 });
        stream.end('fine');
      });
      client.setEndpoints('web', [{ ...mesh.plain(port), protocol: 'http2' }]);
      const answer = await ask(dialHttp2(mesh, client.outbound), { ':authority': 'web' });
      expect(answer.interim).to.have.length(60);
      expect(answer.body).to.equal('fine');
      const caller = dial();
      caller.send(GET);
      expect((await caller.hears('fine')).match(/HTTP\/1\.1 103 /g)).to.have.length(60);
    });

    it('A14: a flood of them from HTTP/2 is a failure of the server', async () => {
      client.setService({ protocol: 'detect' });
      const { port } = await serveHttp2(mesh, (stream) => {
        for (let i = 0; i < 300; i++) stream.additionalHeaders({ ':status': 103 });
        stream.respond({ ':status': 200 });
        stream.end('fine');
      });
      client.setEndpoints('web', [{ ...mesh.plain(port), protocol: 'http2' }]);
      const answer = await ask(dialHttp2(mesh, client.outbound), { ':authority': 'web' });
      expect(answer.interim.length).to.be.within(100, 200);
      expect(answer.status).to.equal(502);
    });
  });

  describe('Keep-Alive of a server', () => {
    it('a connection is given up a second before its server would, so that no request meets the end of it', async () => {
      const served = await rawApplication((one) => {
        one.socket.write(ok('fine', 'Connection: keep-alive\r\nKeep-Alive: timeout=2, max=100\r\n'));
      });
      const caller = dial();
      for (let i = 0; i < 2; i++) {
        caller.text = '';
        caller.send(GET);
        await caller.hears('fine');
      }
      expect(served).to.have.length(1);
      const started = Date.now();
      await until(() => served[0]!.ended, 'the end of the idle connection');
      // Without the server's word it would be 3 s.
      expect(Date.now() - started).to.be.within(800, 2900);
    });

    it('one that would be kept for a second only is not kept at all', async () => {
      const served = await rawApplication((one) => one.socket.write(ok('fine', 'keep-alive: Timeout=1\r\n')));
      const caller = dial();
      for (let i = 1; i <= 3; i++) {
        caller.text = '';
        caller.send(GET);
        await caller.hears('fine');
        expect(served).to.have.length(i);
      }
    });
  });
}
