import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, GET, ok, type RawClient, type Served, serveHttp, serveRaw } from './peers.ts';

/** HTTP/1.1 through one outbound stack: what a proxy owes its clients and servers (RFC 9110, RFC 9112). */
export function http1Suite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ limits: { headTimeoutMs: 1000 } });
    proxy.setService({});
  });
  afterEach(() => mesh.stop());

  async function application(respond: (request: string) => string) {
    const served = await serveHttp(mesh, respond);
    proxy.setEndpoints('web', [mesh.plain(served.port)]);
    return served;
  }

  async function rawApplication(onText: (one: Served, chunk: string) => void) {
    const served = await serveRaw(mesh, onText);
    proxy.setEndpoints('web', [mesh.plain(served.port)]);
    return served;
  }

  const dial = (): RawClient => dialRaw(mesh, proxy.outbound);

  describe('requests', () => {
    it('pipelined requests are answered in order, one after the other', async () => {
      let count = 0;
      const { served } = await application((request) => ok(`${++count}:${request.split(' ')[1]}`));
      const client = dial();
      client.send(['/a', '/b', '/c', '/d'].map((target) => `GET ${target} HTTP/1.1\r\nHost: web\r\n\r\n`).join(''));
      const text = await client.hears('4:/d');
      expect(text.match(/\d:\/\w/g)).to.deep.equal(['1:/a', '2:/b', '3:/c', '4:/d']);
      expect(served).to.have.length(1);
    });

    it('A13: a refused request ends the connection; what is pipelined behind it is discarded', async () => {
      const seen: string[] = [];
      await application((request) => {
        seen.push(request);
        return ok('fine');
      });
      const client = dial();
      client.send(`${GET}GET / HTTP/1.1\r\n\r\n${GET}${GET}`);
      const text = await client.gone();
      expect(text.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 400']);
      expect(seen).to.have.length(1);
    });

    it('an empty line before a request line is skipped', async () => {
      await application(() => ok('fine'));
      const client = dial();
      client.send(`\r\n${GET}`);
      await client.hears('fine');
    });

    it('100-continue: the interim response comes before the body is sent', async () => {
      await rawApplication((one) => {
        if (one.text.endsWith('abc')) one.socket.write(ok('done'));
        else one.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      });
      const client = dial();
      client.send('POST / HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
      await client.hears('100 Continue\r\n\r\n');
      client.send('abc');
      await client.hears('done');
    });

    it('100-continue refused: the final answer comes without the body, and the connection ends', async () => {
      await application(() => 'HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n');
      const client = dial();
      client.send('POST / HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
      const text = await client.gone();
      expect(text).to.match(/^HTTP\/1\.1 417 .*\r\n/);
      expect(text).to.contain('connection: close\r\n');
    });

    it('HTTP/1.0 clients get an unframed body and the end of the connection', async () => {
      await application(
        () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nx: 1\r\n\r\n',
      );
      const client = dial();
      client.send('GET / HTTP/1.0\r\n\r\n');
      const text = await client.gone();
      expect(text).to.equal('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcde');
    });

    it('HTTP/1.0 clients may keep the connection where the length is known', async () => {
      await application(() => ok('fine'));
      const client = dial();
      for (let i = 0; i < 2; i++) {
        client.text = '';
        client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
        expect(await client.hears('fine')).to.contain('connection: keep-alive\r\n');
      }
    });

    it('Connection: close of the client ends the connection after the response', async () => {
      await application(() => ok('fine'));
      const client = dial();
      client.send('GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n');
      const text = await client.gone();
      expect(text).to.contain('connection: close\r\n').and.to.match(/fine$/);
    });

    it('a client that half-closes still gets its answer', async () => {
      const { served } = await rawApplication(() => {});
      const client = dial();
      client.send(GET);
      client.socket.end();
      await until(() => served[0]?.text.endsWith('\r\n\r\n') === true, 'request');
      served[0]!.socket.write(ok('late'));
      await client.hears('late');
    });

    it('a client that leaves takes its request with it', async () => {
      const { served } = await rawApplication(() => {});
      const client = dial();
      client.send(GET);
      await until(() => served.length === 1 && served[0]!.text !== '', 'request');
      client.socket.resetAndDestroy();
      await until(() => served[0]!.socket.destroyed || served[0]!.ended, 'cancellation');
    });

    it('B1: a head that is not finished in time is answered with 408', async () => {
      const { served } = await application(() => ok('fine'));
      const client = dial();
      client.send('GET / HTTP/1.1\r\nHost: w');
      const text = await client.gone();
      expect(text).to.match(/^HTTP\/1\.1 408 /);
      expect(served).to.have.length(0);
    });

    it('a head in single bytes is read like any other', async () => {
      await application(() => ok('fine'));
      const client = dial();
      for (const octet of GET) {
        client.send(octet);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await client.hears('fine');
    });
  });

  describe('responses', () => {
    it('HEAD, 204 and 304 have no body whatever they announce', async () => {
      await application((request) => {
        if (request.startsWith('HEAD')) return 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';
        if (request.includes('/204')) return 'HTTP/1.1 204 No Content\r\n\r\n';
        return 'HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n';
      });
      const client = dial();
      client.send('HEAD / HTTP/1.1\r\nHost: web\r\n\r\n');
      client.send('GET /204 HTTP/1.1\r\nHost: web\r\n\r\nGET /304 HTTP/1.1\r\nHost: web\r\n\r\n');
      const text = await client.hears('304 Not Modified\r\nContent-Length: 10\r\n\r\n');
      expect(text.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 204', 'HTTP/1.1 304']);
    });

    it('a response without length ends with the connection, on both sides', async () => {
      await rawApplication((one) => one.socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'));
      const client = dial();
      client.send(GET);
      const text = await client.gone();
      expect(text).to.equal('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end');
    });

    it('HTTP/1.0 servers are served as HTTP/1.1', async () => {
      const { served } = await application(() => 'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nfine');
      const client = dial();
      client.send(GET);
      expect(await client.hears('fine')).to.match(/^HTTP\/1\.1 200 OK\r\n/);
      client.text = '';
      client.send(GET);
      await client.hears('fine');
      expect(served).to.have.length(2);
    });

    it('l5d-* and hop-by-hop fields of a server are stripped', async () => {
      await application(() =>
        ok('fine', 'Keep-Alive: 5\r\nL5d-Proxy-Error: forged\r\nConnection: X-A\r\nX-A: 1\r\nX-B: 2\r\n'),
      );
      const client = dial();
      client.send(GET);
      expect(await client.hears('fine')).to.equal('HTTP/1.1 200 OK\r\nX-B: 2\r\ncontent-length: 4\r\n\r\nfine');
    });

    it('a response that breaks off resets the client: a truncated body must not look whole', async () => {
      await rawApplication((one) => one.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
      const client = dial();
      client.send(GET);
      await until(() => client.closed, 'reset');
      expect(client.error?.code).to.equal('ECONNRESET');
    });

    it('a chunked response that breaks off resets the client', async () => {
      await rawApplication((one) =>
        one.socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'),
      );
      const client = dial();
      client.send(GET);
      await until(() => client.closed, 'reset');
      expect(client.error?.code).to.equal('ECONNRESET');
    });

    const bad: Record<string, string> = {
      'content-length beside transfer-encoding':
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'two content-lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nfine',
      'a malformed content-length': 'HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nfine',
      'an unknown transfer coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'transfer-encoding in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'a body on an interim response': `HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\nfine${ok('fine')}`,
      'a coding on an interim response': `HTTP/1.1 102 Processing\r\nTransfer-Encoding: chunked\r\n\r\n${ok('fine')}`,
      'bytes behind the body': 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfineHTTP/1.1 200 OK\r\n\r\n',
      'a flood of interim responses': `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(300)}${ok('fine')}`,
      'a malformed status line': 'HTTP/1.1 20 OK\r\n\r\n',
      'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
      'a folded line': 'HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n\r\n',
      'a bare LF': 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
      'NUL in a value': 'HTTP/1.1 200 OK\r\nX-A: \0\r\n\r\n',
      'a head of more than 64 KiB': `HTTP/1.1 200 OK\r\n${`X-A: ${'a'.repeat(8000)}\r\n`.repeat(10)}\r\n`,
    };
    for (const [what, response] of Object.entries(bad)) {
      it(`A14: ${what} → 502, the connection behind destroyed`, async () => {
        const { served } = await rawApplication((one) => one.socket.write(response, 'latin1'));
        const client = dial();
        client.send(GET);
        // Interim responses may have come before it.
        const text = await client.hears('l5d-proxy-error: malformed response\r\n');
        const final = text.slice(text.lastIndexOf('HTTP/1.1 '));
        expect(final).to.match(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
        expect(final).to.contain('l5d-proxy-error: malformed response\r\n');
        await until(() => served[0]!.socket.destroyed, 'destruction');
      });
    }

    it('A14: bytes that come after a response find no one: the connection is not used again', async () => {
      const { served } = await rawApplication((one) => one.socket.write(ok('fine')));
      const client = dial();
      client.send(GET);
      await client.hears('fine');
      served[0]!.socket.write(ok('smuggled'));
      await until(() => served[0]!.socket.destroyed, 'destruction');
      client.text = '';
      client.send(GET);
      expect(await client.hears('fine')).not.to.contain('smuggled');
    });

    it('A14: bytes behind a body whose head is already under way: the connection is not used again', async () => {
      const { served } = await rawApplication((one) => {
        one.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfine');
        setTimeout(() => one.socket.write(`fineHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled`), 20);
      });
      const client = dial();
      client.send(GET);
      await client.hears('finefine');
      await until(() => served[0]!.socket.destroyed || served[0]!.ended, 'the end of the connection');
      client.text = '';
      client.send(GET);
      expect(await client.hears('finefine')).not.to.contain('smuggled');
      expect(served).to.have.length(2);
    });

    it('A14: chunk framing that goes wrong in a response resets the client', async () => {
      const { served } = await rawApplication((one) => {
        one.socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
        setTimeout(() => one.socket.write('xyz\r\n'), 20);
      });
      const client = dial();
      client.send(GET);
      await until(() => client.closed, 'reset');
      expect(client.text).to.contain('abc');
      await until(() => served[0]!.socket.destroyed, 'destruction');
    });

    it('A15: an answer before the end of the body ends the connection, bytes in flight are not the next request', async () => {
      const { served } = await rawApplication((one) => one.socket.write(ok('early')));
      const client = dial();
      client.send('POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 100\r\n\r\nabc');
      await client.hears('early');
      client.send(`${'x'.repeat(97)}${GET}`);
      const text = await client.gone();
      expect(text).to.contain('connection: close\r\n');
      expect(text.match(/HTTP\/1\.1/g)).to.have.length(1);
      expect(served).to.have.length(1);
    });

    it('A15: our own early answer lets a short body go by and keeps the connection', async () => {
      proxy.setService({ backends: [{ ...noBackend, unavailable: true }] });
      const client = dial();
      client.send(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 10\r\n\r\n12345`);
      await client.hears('HTTP/1.1 503');
      client.send('67890');
      client.text = '';
      client.send(GET);
      await client.hears('HTTP/1.1 503');
      expect(client.ended).to.equal(false);
    });

    it('A15: our own early answer to a long body ends the connection', async () => {
      proxy.setService({ backends: [{ ...noBackend, unavailable: true }] });
      const client = dial();
      client.send(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 1000000\r\n\r\n12345`);
      const text = await client.gone();
      expect(text).to.match(/^HTTP\/1\.1 503 /);
      expect(text).to.contain('connection: close\r\n');
    });
  });

  describe('upgrades', () => {
    const upgrade = 'GET /ws HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

    it('A12: 101 that was asked for makes the two connections one stream, with half-close', async () => {
      const { served } = await rawApplication((one, chunk) => {
        if (chunk.includes('GET /ws')) one.socket.write(`${switched}hello`);
        else one.socket.write(chunk.toUpperCase());
      });
      const client = dial();
      client.send(upgrade);
      const text = await client.hears('hello');
      expect(text).to.contain('connection: upgrade\r\n');
      expect(text).to.contain('Upgrade: websocket\r\n');
      expect(served[0]!.text).to.contain('connection: upgrade\r\n').and.to.contain('Upgrade: websocket\r\n');
      client.send('frames');
      await client.hears('FRAMES');
      client.socket.end();
      await until(() => served[0]!.ended, 'half-close');
      served[0]!.socket.end('bye');
      await client.hears('bye');
    });

    it('A12: bytes before the 101 wait for it and are never a request', async () => {
      const { served } = await rawApplication(() => {});
      const client = dial();
      client.send(`${upgrade}GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n`);
      await until(() => served[0]?.text.includes('GET /ws') === true, 'request');
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(served[0]!.text).not.to.contain('smuggled');
      served[0]!.socket.write(switched);
      await until(() => served[0]!.text.includes('smuggled'), 'early bytes');
      expect(served).to.have.length(1);
    });

    it('A12: a refused upgrade with early bytes ends the connection; they are never a request', async () => {
      const { served } = await rawApplication((one) => one.socket.write(ok('no')));
      const client = dial();
      client.send(`${upgrade}GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n`);
      const text = await client.gone();
      expect(text.match(/HTTP\/1\.1/g)).to.have.length(1);
      expect(served.map((one) => one.text).join('')).not.to.contain('smuggled');
    });

    it('A12: a refused upgrade alone keeps the connection', async () => {
      await application(() => ok('no'));
      const client = dial();
      client.send(upgrade);
      await client.hears('no');
      client.text = '';
      client.send(GET);
      await client.hears('no');
    });

    it('A12: 101 that nobody asked for → 502', async () => {
      const { served } = await rawApplication((one) => one.socket.write(switched));
      const client = dial();
      client.send(GET);
      expect(await client.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 502 /);
      await until(() => served[0]!.socket.destroyed, 'destruction');
    });
  });

  describe('large bodies', () => {
    const bodyOf = (bytes: number) => Buffer.alloc(bytes, 'abcdefghijklmnopqrstuvwxyz0123456789');
    const digestOf = (body: Buffer) => createHash('sha256').update(body).digest('hex');

    it('B2: a slow reader gets every byte, and the proxy does not read ahead without bound', async () => {
      // More than all kernel buffers on the way can hold (4 to 10 MiB a hop).
      const body = bodyOf(48 << 20);
      const { served } = await rawApplication((one, chunk) => {
        if (!chunk.includes('GET')) return;
        one.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        one.socket.write(body);
      });
      const client = dial();
      const hash = createHash('sha256');
      let bytes = 0;
      client.socket.removeAllListeners('data');
      client.socket.pause();
      client.send(GET);
      await until(() => served[0] !== undefined && served[0].text !== '', 'request');
      await new Promise((resolve) => setTimeout(resolve, 150));
      const heldBack = served[0]!.socket.writableLength;
      client.socket.on('data', (chunk: Buffer) => {
        const from = bytes === 0 ? chunk.indexOf('\r\n\r\n') + 4 : 0;
        bytes += chunk.length - from;
        hash.update(chunk.subarray(from));
      });
      client.socket.resume();
      await until(() => bytes >= body.length, 'all of the body', 20_000);
      expect(hash.digest('hex')).to.equal(digestOf(body));
      expect(heldBack).to.be.greaterThan(0);
    });

    it('B2: a slow application gets every byte of an upload', async () => {
      const body = bodyOf(12 << 20);
      const hash = createHash('sha256');
      let bytes = 0;
      let inBody = false;
      const { served } = await rawApplication((one, chunk) => {
        const from = inBody ? 0 : chunk.indexOf('\r\n\r\n') + 4;
        inBody = true;
        bytes += chunk.length - from;
        hash.update(Buffer.from(chunk, 'latin1').subarray(from));
        one.text = '';
        one.socket.pause();
        setTimeout(() => one.socket.resume(), 1);
        if (bytes === body.length) one.socket.write(ok('thanks'));
      });
      const client = dial();
      client.send(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${body.length}\r\n\r\n`);
      client.socket.write(body);
      await client.hears('thanks', 20_000);
      expect(hash.digest('hex')).to.equal(digestOf(body));
      expect(served).to.have.length(1);
    });
  });
}

const noBackend = {
  authority: 'gone.shop.svc.cluster.local:80',
  service: 'gone',
  namespace: 'shop',
  port: 80,
  endpoints: 'endpoints/shop/gone:80/ipv4',
  weight: 1000,
};
