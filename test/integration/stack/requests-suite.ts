import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, type RawClient, type Served, serveHttp, serveRaw } from './peers.ts';

const NAME = 'web.shop.svc.cluster.local:80';

/**
 * Requests that RFC 9110 and RFC 9112 allow and strict parsers often refuse, through a pair of proxies: what the application gets, and that nothing of it can be
 * taken for another request. Runs on Node and on Bun.
 */
export function requestsSuite(create: (onFault: (error: unknown) => void) => Transport): void {
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

  /** What the application gets of a request, in HTTP/1. */
  async function seen(request: string): Promise<string> {
    const { port } = await serveHttp(mesh, (text) => ok(text));
    client.setEndpoints('web', [mesh.meshed(server, port)]);
    const caller = dial();
    caller.send(request);
    const text = await caller.hears('l5d-client-id');
    return text.slice(text.indexOf('\r\n\r\n') + 4);
  }

  /** … and in HTTP/2. */
  async function seenInHttp2(request: string): Promise<Record<string, string>> {
    const { port } = await serveHttp2(mesh, echo);
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'http2' }]);
    server.setPolicy(port, { protocol: 'http2' });
    const caller = dial();
    caller.send(request);
    const text = await caller.hears('\r\n\r\n');
    return JSON.parse(/x-asked: (.*)\r\n/.exec(text)![1]!) as Record<string, string>;
  }

  describe('targets and hosts', () => {
    it('RFC 9112 §3.2.2: the authority of an absolute form is the host, whatever Host says, in either version', async () => {
      const request = 'GET http://other:81/a?b HTTP/1.1\r\nHost: web\r\n\r\n';
      const text = await seen(request);
      expect(text).to.match(/^GET http:\/\/other:81\/a\?b HTTP\/1\.1\r\nHost: other:81\r\n/);
      expect(text.match(/host:/gi)).to.have.length(1);
      const asked = await seenInHttp2(request);
      expect(asked).to.include({ ':authority': 'other:81', ':path': '/a?b' });
      expect(asked).not.to.have.property('host');
    });

    for (const [form, kept, path] of [
      ['GET http://web', 'GET http://web', '/'],
      ['GET http://web?q=1', 'GET http://web?q=1', '/?q=1'],
      ['OPTIONS http://web', 'OPTIONS *', '*'],
      ['OPTIONS http://web?q', 'OPTIONS http://web?q', '/?q'],
      ['OPTIONS http://web/', 'OPTIONS http://web/', '/'],
    ] as const) {
      it(`RFC 9112 §3.2: ${form} goes on as ${kept} in HTTP/1, and for ${path} in HTTP/2`, async () => {
        const request = `${form} HTTP/1.1\r\nHost: web\r\n\r\n`;
        expect((await seen(request)).split(' HTTP/1.1\r\n')[0]).to.equal(kept);
        expect((await seenInHttp2(request))[':path']).to.equal(path);
      });
    }

    it('RFC 9112 §3.2: an empty Host passes as it came; in HTTP/2, which has no word for it, the Service is named', async () => {
      const request = 'GET /health HTTP/1.1\r\nHost:\r\n\r\n';
      expect(await seen(request)).to.match(/^GET \/health HTTP\/1\.1\r\nHost:\r\n/);
      expect((await seenInHttp2(request))[':authority']).to.equal(NAME);
    });

    it('octets beyond ASCII in a target pass as they came, in either version and from either', async () => {
      const path = Buffer.from('/grüße/日本?ö', 'utf8').toString('latin1');
      const request = `GET ${path} HTTP/1.1\r\nHost: web\r\n\r\n`;
      expect((await seen(request)).split(' ')[1]).to.equal(path);
      expect((await seenInHttp2(request))[':path']).to.equal(path);
    });

    it('too long a target is answered with 414', async () => {
      const caller = dial();
      caller.send(`GET /${'a'.repeat(70_000)}`);
      expect(await caller.gone()).to.match(/^HTTP\/1\.1 414 URI Too Long\r\n/);
    });
  });

  describe('an Upgrade with a body (docker exec and the like)', () => {
    const switched = 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
    const lines = 'Host: web\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n';
    const bodies: Record<string, [framing: string, body: string]> = {
      'of a known length': ['Content-Length: 12\r\n', '{"Tty":true}'],
      'in chunks': ['Transfer-Encoding: chunked\r\n', '6\r\n{"Tty"\r\n6\r\n:true}\r\n0\r\n\r\n'],
    };
    for (const [what, [framing, body]] of Object.entries(bodies)) {
      it(`A12: with a body ${what}: both go on, and the protocol changes behind it`, async () => {
        const served = await rawApplication((one) => {
          if (one.text.endsWith(body)) one.socket.write(`${switched}welcome`);
          if (one.text.endsWith('ls\n')) one.socket.write('a b c');
        });
        const caller = dial();
        caller.send(`POST /exec HTTP/1.1\r\n${lines}${framing}\r\n${body}`);
        expect(await caller.hears('welcome')).to.match(/^HTTP\/1\.1 101 UPGRADED\r\n(.*\r\n)*upgrade: tcp\r\n/i);
        expect(served[0]!.text)
          .to.match(/upgrade: tcp\r\n/i)
          .and.to.match(/connection: upgrade\r\n/i);
        caller.send('ls\n');
        await caller.hears('a b c');
        expect(served).to.have.length(1);
      });

      it(`A12: with a body ${what}: a 101 before its end holds from its end on, no sooner`, async () => {
        const served = await rawApplication((one) => {
          if (one.text.endsWith('\r\n\r\n') && !one.text.includes('Tty')) one.socket.write(`${switched}welcome`);
        });
        const caller = dial();
        caller.send(`POST /exec HTTP/1.1\r\n${lines}${framing}\r\n`);
        await until(() => served[0]?.socket.bytesWritten === switched.length + 7, 'the early 101');
        caller.send(body.slice(0, 9));
        await until(() => served[0]!.text.endsWith(body.slice(0, 9)), 'the first half of the body');
        expect(caller.text).to.equal('');
        caller.send(`${body.slice(9)}early`);
        await caller.hears('welcome');
        await until(() => served[0]!.text.endsWith('early'), 'what came behind the body');
        expect(served[0]!.text).to.contain(`\r\n\r\n${body}early`);
        served[0]!.socket.write('more');
        await caller.hears('more');
      });
    }

    it('A12: a server that takes the body of a refused upgrade for a request finds nobody for its answer', async () => {
      const served = await rawApplication((one) => {
        // As a lenient server would: every head is a request, bodies of upgrades are not looked for.
        if (one.text.includes('GET /smuggled')) one.socket.write(`${ok('refused')}${ok('smuggled')}`);
        else if (one.text.includes('GET /next')) one.socket.write(ok('next'));
      });
      const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n';
      const caller = dial();
      caller.send(`POST / HTTP/1.1\r\n${lines}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`);
      await caller.hears('\r\n\r\n');
      const other = dial();
      other.send('GET /next HTTP/1.1\r\nHost: web\r\n\r\n');
      await other.hears('next');
      expect(other.text).not.to.contain('smuggled');
      expect(caller.text)
        .not.to.contain('smuggled\r\n')
        .and.not.to.match(/smuggled$/);
      expect(served.map((one) => one.text.includes('/smuggled'))).to.deep.equal([true, false]);
    });

    it('A12: a server that refuses the upgrade in peace serves its connection no further either: who knows what it took for the body', async () => {
      const served = await rawApplication((one) => {
        if (one.text.endsWith('abc')) one.socket.write(ok('refused'));
        if (one.text.endsWith('/next HTTP/1.1\r\nHost: web\r\n\r\n')) one.socket.write(ok('next'));
      });
      const caller = dial();
      caller.send(`POST / HTTP/1.1\r\n${lines}Content-Length: 3\r\n\r\nabc`);
      await caller.hears('refused');
      caller.send('GET /next HTTP/1.1\r\nHost: web\r\n\r\n');
      await until(() => served.length === 2, 'another connection to the application');
    });
  });

  describe('TE and Max-Forwards', () => {
    for (const [what, te] of Object.entries({
      alone: 'TE: trailers\r\nConnection: TE\r\n',
      'without being named by Connection': 'TE: Trailers\r\n',
      'among codings': 'Connection: te, keep-alive\r\nTE: gzip;q=0.5, trailers, deflate\r\n',
    })) {
      it(`RFC 9110 §10.1.4: a wish for trailers passes ${what}, in either version; codings do not`, async () => {
        const request = `GET / HTTP/1.1\r\nHost: web\r\n${te}\r\n`;
        const text = await seen(request);
        expect(text).to.match(/\r\nte: trailers\r\nconnection: te\r\n/);
        expect(text).not.to.contain('gzip');
        expect((await seenInHttp2(request))['te']).to.equal('trailers');
      });
    }

    it('RFC 9110 §10.1.4: a wish for codings alone ends here', async () => {
      expect(await seen('GET / HTTP/1.1\r\nHost: web\r\nTE: gzip\r\nConnection: te\r\n\r\n')).not.to.match(/\r\nte:/i);
    });

    it('RFC 9110 §10.1.4: from HTTP/2 to HTTP/1 it is named by Connection', async () => {
      const { port } = await serveHttp(mesh, (text) => ok(text));
      client.setService({ protocol: 'detect' });
      client.setEndpoints('web', [mesh.meshed(server, port)]);
      const answer = await ask(dialHttp2(mesh, client.outbound), { ':authority': 'web', te: 'trailers' });
      expect(answer.body).to.contain('\r\nte: trailers\r\nconnection: te\r\n');
    });

    it('RFC 9110 §7.6.2: Max-Forwards of OPTIONS and TRACE is counted by each proxy, in either version', async () => {
      for (const method of ['OPTIONS', 'TRACE']) {
        const request = `${method} / HTTP/1.1\r\nHost: web\r\nMax-Forwards: 5\r\n\r\n`;
        expect((await seen(request)).match(/max-forwards: .*/gi)).to.deep.equal(['max-forwards: 3']);
        expect((await seenInHttp2(request))['max-forwards']).to.equal('3');
      }
      expect(await seen('GET / HTTP/1.1\r\nHost: web\r\nMax-Forwards: 5\r\n\r\n')).to.contain('Max-Forwards: 5\r\n');
    });

    for (const hops of [0, 1]) {
      it(`RFC 9110 §7.6.2: Max-Forwards: ${hops} is answered by proxy number ${hops + 1}, and reaches nobody behind it`, async () => {
        const served = await rawApplication((one) => one.socket.write(ok('fine')));
        const caller = dial();
        caller.send(`OPTIONS / HTTP/1.1\r\nHost: web\r\nMax-Forwards: ${hops}\r\n\r\n`);
        expect(await caller.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 200 OK\r\n/);
        caller.text = '';
        caller.send(`TRACE / HTTP/1.1\r\nHost: web\r\nMax-Forwards: ${hops}\r\nCookie: secret\r\n\r\n`);
        expect(await caller.hears('\r\n\r\n')).to.match(
          /^HTTP\/1\.1 405 Method Not Allowed\r\n(.*\r\n)*allow: OPTIONS\r\n/,
        );
        expect(caller.text).not.to.contain('secret');
        expect(served).to.have.length(0);
      });
    }

    it('RFC 9110 §7.6.2: so it is in HTTP/2', async () => {
      const { port } = await serveHttp2(mesh, echo);
      client.setService({ protocol: 'detect' });
      client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'http2' }]);
      server.setPolicy(port, { protocol: 'http2' });
      const session = dialHttp2(mesh, client.outbound);
      const counted = await ask(session, { ':method': 'OPTIONS', ':authority': 'web', 'max-forwards': '2' });
      expect(JSON.parse(String(counted.headers['x-asked']))['max-forwards']).to.equal('0');
      for (const hops of ['0', '1']) {
        const answer = await ask(session, { ':method': 'OPTIONS', ':authority': 'web', 'max-forwards': hops });
        expect(answer.status).to.equal(200);
        expect(answer.headers).not.to.have.property('x-asked');
      }
    });
  });

  describe('what is no HTTP on a port that is declared to be', () => {
    const inputs: Record<string, string> = {
      'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
      'the TLS of an application': '\x16\x03\x01\x00\x05hello',
      'a request that is malformed': 'GET /a b HTTP/1.1\r\nHost: web\r\n\r\n',
      'a line without a target': 'GET\r\n\r\n',
    };
    for (const [what, input] of Object.entries(inputs)) {
      it(`declared by the Service: ${what} is answered with 400 by the caller's proxy`, async () => {
        const served = await rawApplication(() => {});
        client.setService({ protocol: 'http1' });
        const caller = dial();
        caller.send(input);
        expect(await caller.gone()).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/);
        expect(served).to.have.length(0);
      });

      it(`declared by the Server only: ${what} is answered with 400 by the application's proxy`, async () => {
        const { port, served } = await serveRaw(mesh, () => {});
        client.setService({ protocol: 'detect' });
        client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'detect' }]);
        server.setPolicy(port, { protocol: 'http1' });
        const caller = dial();
        caller.send(input);
        expect(await caller.gone()).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/);
        expect(served).to.have.length(0);
      });
    }

    for (const by of ['the Service', 'the Server only']) {
      it(`declared as HTTP/2 by ${by}: another protocol is told so in HTTP/2, and reaches nobody`, async () => {
        const { port, served } = await serveRaw(mesh, () => {});
        client.setService({ protocol: by === 'the Service' ? 'http2' : 'detect' });
        client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'detect' }]);
        server.setPolicy(port, { protocol: 'http2' });
        const caller = dial();
        caller.send('SSH-2.0-OpenSSH_9.2\r\n');
        const frames = Buffer.from(await caller.gone(), 'latin1').toString('hex');
        // GOAWAY (type 7) of stream 0, PROTOCOL_ERROR (1).
        expect(frames).to.match(/00000807000{8}.{8}00000001$/);
        expect(served).to.have.length(0);
      });
    }

    it('half-closed behind it: the answer is written all the same', async () => {
      await rawApplication(() => {});
      const caller = dial();
      caller.send('SSH-2.0-OpenSSH_9.2\r\n');
      caller.socket.end();
      expect(await caller.gone()).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/);
      const short = dial();
      short.send('SS');
      short.socket.end();
      await short.gone();
    });
  });
}
