import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, type Served, serveHttp, serveRaw } from './peers.ts';

const HOST = 'Host: web\r\n';

/**
 * Framing and smuggling attacks on HTTP/1 (rows A of the security checklist; http-garden's and h1spec's patterns), by real sockets through a whole
 * outbound stack: what is refused never reaches the application.
 */
export function attackSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;
  let application: { port: number; served: Served[] };
  let answer: (request: string) => string;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ limits: { headTimeoutMs: 1000 } });
    answer = () => ok('fine');
    application = await serveHttp(mesh, (request) => answer(request));
    proxy.setService({});
    proxy.setEndpoints('web', [mesh.plain(application.port)]);
  });
  afterEach(() => mesh.stop());

  /** The request is answered with `status`, the connection closed, and nobody behind has seen anything. */
  async function refused(request: string, status: number): Promise<void> {
    const client = dialRaw(mesh, proxy.outbound);
    client.send(request);
    const text = await client.gone();
    expect(text).to.match(new RegExp(`^HTTP/1\\.1 ${status} `), JSON.stringify(request));
    expect(text).to.contain('connection: close\r\n');
    expect(text.split('HTTP/1.1 ')).to.have.length(2);
    expect(application.served.map((one) => one.text)).to.deep.equal([]);
  }

  /** The request is passed on; returns what the application got. */
  async function passed(request: string, expected = 'fine'): Promise<string> {
    let seen = '';
    answer = (text) => {
      seen = text;
      return ok('fine');
    };
    const client = dialRaw(mesh, proxy.outbound);
    client.send(request);
    await client.hears(expected);
    client.close();
    return seen;
  }

  const post = (lines: string, body = '') => `POST / HTTP/1.1\r\n${HOST}${lines}\r\n${body}`;
  const get = (lines: string) => `GET / HTTP/1.1\r\n${HOST}${lines}\r\n`;

  function refuses(id: string, status: number, requests: Record<string, string>): void {
    for (const [what, request] of Object.entries(requests)) {
      it(`${id}: ${what} → ${status}`, () => refused(request, status));
    }
  }

  describe('requests that are refused', () => {
    refuses('A1', 400, {
      'content-length beside transfer-encoding': post(
        'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n',
        '0\r\n\r\n',
      ),
      'transfer-encoding beside content-length': post(
        'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n',
        '0\r\n\r\n',
      ),
    });
    refuses('A2', 400, {
      'two equal content-lengths': post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'),
      'two different content-lengths': post('Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd'),
      ...Object.fromEntries(
        ['+3', '-1', '0x3', '3_0', '', '3 3', '3, 3', '9007199254740993', '99999999999999999999', '3.0', '٣'].map(
          (value) => [`content-length ${JSON.stringify(value)}`, post(`Content-Length: ${value}\r\n`, 'abc')],
        ),
      ),
    });
    refuses('A3', 400, {
      ...Object.fromEntries(
        [
          'identity, chunked',
          'chunked, identity',
          ',chunked',
          'chunked,',
          'chunked, chunked',
          '',
          'chunked;q=1',
          '"chunked"',
        ].map((value) => [
          `transfer-encoding ${JSON.stringify(value)}`,
          post(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n'),
        ]),
      ),
      'a vertical tab before chunked': post('Transfer-Encoding: \vchunked\r\n', '0\r\n\r\n'),
      'transfer-encoding twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    });
    refuses('A3', 501, {
      'an unknown coding': post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
      'a coding that we do not do': post('Transfer-Encoding: gzip\r\n', '0\r\n\r\n'),
    });
    refuses('A4', 400, {
      'transfer-encoding on HTTP/1.0': `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    });
    refuses('A8', 400, {
      'a folded line': get('X-A: 1\r\n 2\r\n'),
      'a folded line by tab': get('X-A: 1\r\n\t2\r\n'),
      'a blank before the colon': get('Content-Length : 3\r\n'),
      'a tab before the colon': get('X-A\t: 3\r\n'),
      'a leading blank on the first field': `GET / HTTP/1.1\r\n ${HOST}\r\n`,
      'a bare LF': `GET / HTTP/1.1\n${HOST}\r\n`,
      'a bare LF between fields': get('X-A: 1\nX-B: 2\r\n'),
      'a bare LF for the empty line': `GET / HTTP/1.1\r\n${HOST}\n`,
      'a bare CR in a value': get('X-A: 1\r2\r\n'),
      'a CR before CR LF': get('X-A: 1\r\r\n'),
      'NUL in a value': get('X-A: 1\0\r\n'),
      'NUL in a name': get('X\0A: 1\r\n'),
      'a control character in a value': get('X-A: \u0001\r\n'),
      'DEL in a value': get('X-A: \u007f\r\n'),
      'an empty name': get(': 1\r\n'),
      'no colon': get('X-A\r\n'),
      'a non-ASCII name': get('X-Ä: 1\r\n'),
    });
    refuses('A9', 400, {
      'no Host in HTTP/1.1': 'GET / HTTP/1.1\r\n\r\n',
      'two equal Hosts': `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`,
      'two Hosts': `GET / HTTP/1.1\r\n${HOST}Host: other\r\n\r\n`,
      'userinfo in Host': 'GET / HTTP/1.1\r\nHost: user@web\r\n\r\n',
      'a blank in Host': 'GET / HTTP/1.1\r\nHost: web other\r\n\r\n',
      'a path in Host': 'GET / HTTP/1.1\r\nHost: web/a\r\n\r\n',
      'a list in Host': 'GET / HTTP/1.1\r\nHost: web, other\r\n\r\n',
      'a port that is none': 'GET / HTTP/1.1\r\nHost: web:8a\r\n\r\n',
      'an open bracket': 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n',
      'absolute form with two Hosts': `GET http://web/ HTTP/1.1\r\n${HOST}Host: other\r\n\r\n`,
      'absolute form with a Host that is none': 'GET http://web/ HTTP/1.1\r\nHost: a b\r\n\r\n',
      'absolute form without a Host': 'GET http://web/ HTTP/1.1\r\n\r\n',
      'absolute form without an authority': `GET http:///a HTTP/1.1\r\n${HOST}\r\n`,
      'absolute form with userinfo': `GET http://user@web/ HTTP/1.1\r\n${HOST}\r\n`,
      'absolute form of another scheme': `GET ftp://web/ HTTP/1.1\r\n${HOST}\r\n`,
    });
    refuses('A10', 400, {
      'a fragment': `GET /a#b HTTP/1.1\r\n${HOST}\r\n`,
      'a blank in the target': `GET /a b HTTP/1.1\r\n${HOST}\r\n`,
      'a tab in the target': `GET /a\tb HTTP/1.1\r\n${HOST}\r\n`,
      'two blanks after the method': `GET  / HTTP/1.1\r\n${HOST}\r\n`,
      'a control character': `GET /\u0001 HTTP/1.1\r\n${HOST}\r\n`,
      '* for GET': `GET * HTTP/1.1\r\n${HOST}\r\n`,
      'a relative target': `GET a HTTP/1.1\r\n${HOST}\r\n`,
    });
    refuses('A11', 400, {
      'HTTP/0.9': 'GET /\r\n',
      'a blank after the version': `GET / HTTP/1.1 \r\n${HOST}\r\n`,
      'a version in lower case': `GET / http/1.1\r\n${HOST}\r\n`,
    });
    refuses('A11', 505, {
      'HTTP/2.0': `GET / HTTP/2.0\r\n${HOST}\r\n`,
      'HTTP/1.2': `GET / HTTP/1.2\r\n${HOST}\r\n`,
      'HTTP/1.10': `GET / HTTP/1:1\r\n${HOST}\r\n`,
    });
    refuses('A11', 501, { 'an over-long method': `${'A'.repeat(33)} / HTTP/1.1\r\n${HOST}\r\n` });
    refuses('A12', 400, {
      'CONNECT without a port': `CONNECT web HTTP/1.1\r\n${HOST}\r\n`,
      'CONNECT with an empty port': `CONNECT web: HTTP/1.1\r\n${HOST}\r\n`,
      'CONNECT of a path': `CONNECT /a HTTP/1.1\r\n${HOST}\r\n`,
      'CONNECT with a user': `CONNECT me@web:443 HTTP/1.1\r\n${HOST}\r\n`,
      'CONNECT with a body': `CONNECT web:443 HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`,
      'CONNECT in chunks': `CONNECT web:443 HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    });
    refuses('B4', 431, {
      'more than 64 KiB of head': get(Array.from({ length: 10 }, (_, i) => `X-${i}: ${'a'.repeat(8000)}\r\n`).join('')),
      'a line of more than 64 KiB': get(`X-A: ${'a'.repeat(65_536)}\r\n`),
      'more than 200 fields': get(Array.from({ length: 200 }, (_, i) => `X-${i}: 1\r\n`).join('')),
    });
    refuses('B4', 414, { 'too long a target': `GET /${'a'.repeat(70_000)} HTTP/1.1\r\n${HOST}\r\n` });
  });

  describe('requests that are passed on', () => {
    it('A9: absolute form wins over Host, is all that the next hop hears of a host, and stays what it is', async () => {
      for (const host of ['WEB:80', 'other', 'web:81']) {
        const seen = await passed(`GET http://${host}/a?b HTTP/1.1\r\nX-A: 1\r\nHost: web\r\nX-B: 2\r\n\r\n`);
        expect(seen).to.equal(
          `GET http://${host}/a?b HTTP/1.1\r\nHost: ${host}\r\nX-A: 1\r\nX-B: 2\r\nl5d-dst-canonical: web.shop.svc.cluster.local:80\r\n\r\n`,
        );
      }
    });

    it('A9: Host with port, IPv4, IPv6 and trailing dot are fine', async () => {
      for (const host of ['web:8080', '10.0.0.1', '[::1]:80', 'web.']) {
        expect(await passed(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).to.contain(`Host: ${host}\r\n`);
      }
    });

    it('A10: * of OPTIONS, and odd but harmless octets in targets', async () => {
      expect(await passed(`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`)).to.match(/^OPTIONS \* HTTP\/1\.1\r\n/);
      expect(await passed(`GET /a/../b//c%2f|{}" HTTP/1.1\r\n${HOST}\r\n`)).to.match(
        /^GET \/a\/\.\.\/b\/\/c%2f\|\{\}" /,
      );
    });

    it('A11: an unknown method of reasonable length', async () => {
      expect(await passed(`UPDATEREDIRECTREF / HTTP/1.1\r\n${HOST}\r\n`)).to.match(/^UPDATEREDIRECTREF \/ /);
    });

    it('A17: hop-by-hop fields and those that Connection names are stripped', async () => {
      const lines =
        'Connection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nX-Kept: 1\r\n';
      const seen = await passed(get(lines));
      expect(seen).to.equal(
        `GET / HTTP/1.1\r\n${HOST}X-Kept: 1\r\nl5d-dst-canonical: web.shop.svc.cluster.local:80\r\n\r\n`,
      );
    });

    it('A17: Connection cannot switch off Host, Content-Length or our own fields', async () => {
      let body = '';
      const target = await serveRaw(mesh, (one) => {
        body = one.text;
        if (one.text.endsWith('abc')) one.socket.write(ok('fine'));
      });
      proxy.setEndpoints('web', [mesh.plain(target.port)]);
      const client = dialRaw(mesh, proxy.outbound);
      client.send(
        post('Connection: Host, content-length, l5d-dst-canonical, transfer-encoding\r\nContent-Length: 3\r\n', 'abc'),
      );
      await client.hears('fine');
      expect(body).to.contain(HOST);
      expect(body).to.contain('Content-Length: 3\r\n');
      expect(body).to.contain('l5d-dst-canonical: web.shop.svc.cluster.local:80\r\n');
    });

    it('A17: an upgrade to h2c is not passed on', async () => {
      const seen = await passed(
        get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
      );
      expect(seen).not.to.match(/upgrade|http2-settings/i);
    });

    for (const name of ['l5d-client-id', 'L5D-Client-Id', 'l5d-dst-override', 'l5d-require-id', 'l5d-anything']) {
      it(`C2: ${name} of the application goes no further`, async () => {
        expect(await passed(get(`${name}: forged\r\n${name}: twice\r\n`))).not.to.contain('forged');
      });
    }

    it('C3: x-forwarded-* and forwarded pass unchanged', async () => {
      const lines = 'X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Client-Cert: Hash=1\r\nForwarded: for=1.2.3.4\r\n';
      expect(await passed(get(lines))).to.contain(lines);
    });
  });

  describe('request bodies', () => {
    /** Head and a body that goes wrong: the application may have seen the head, but its connection is destroyed. */
    async function spoiled(body: string, status = 400): Promise<string> {
      const target = await serveRaw(mesh, () => {});
      proxy.setEndpoints('web', [mesh.plain(target.port)]);
      const client = dialRaw(mesh, proxy.outbound);
      client.send(post('Transfer-Encoding: chunked\r\n'));
      await until(() => target.served.length === 1, 'the head goes on');
      client.send(body);
      const text = await client.gone();
      expect(text).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
      await until(() => target.served[0]!.socket.destroyed, 'the connection behind is destroyed');
      return target.served[0]!.text;
    }

    for (const [what, body] of Object.entries({
      'a signed chunk size': '+3\r\nabc\r\n0\r\n\r\n',
      'a negative chunk size': '-3\r\nabc\r\n0\r\n\r\n',
      'a hexadecimal prefix': '0x3\r\nabc\r\n0\r\n\r\n',
      'an underscore': '1_0\r\nabc\r\n0\r\n\r\n',
      'no size at all': '\r\nabc\r\n0\r\n\r\n',
      'more than sixteen digits': '00000000000000003\r\nabc\r\n0\r\n\r\n',
      'a size beyond 2^53': '20000000000001\r\nabc\r\n0\r\n\r\n',
      'a missing CR LF after the data': '3\r\nabcd\r\n0\r\n\r\n',
      'a bare LF after the size': '3\nabc\r\n0\r\n\r\n',
      'a bare LF after the data': '3\r\nabc\n0\r\n\r\n',
      'a bare CR after the size': '3\rabc\r\n0\r\n\r\n',
      'a leading blank': ' 3\r\nabc\r\n0\r\n\r\n',
      'a control character in an extension': '3;a=\u0001\r\nabc\r\n0\r\n\r\n',
    })) {
      it(`A5: ${what} is refused, the connection behind destroyed`, async () => {
        await spoiled(body);
      });
    }

    it('A6: chunk extensions are accepted and dropped', async () => {
      const target = await serveRaw(mesh, (one) => {
        if (one.text.endsWith('0\r\n\r\n')) one.socket.write(ok('fine'));
      });
      proxy.setEndpoints('web', [mesh.plain(target.port)]);
      const client = dialRaw(mesh, proxy.outbound);
      client.send(post('Transfer-Encoding: chunked\r\n', '3;a="b;c" \r\nabc\r\n2 ;x\r\nde\r\n0;last\r\n\r\n'));
      await client.hears('fine');
      expect(target.served[0]!.text.split('\r\n\r\n').slice(1).join('\r\n\r\n')).to.equal(
        '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
      );
    });

    it('A6: more than 16 KiB of extensions are refused', async () => {
      await spoiled(`1;${'a'.repeat(9000)}\r\nx\r\n1;${'a'.repeat(9000)}\r\nx\r\n0\r\n\r\n`);
    });

    it('A7: trailers that frame, route or identify are dropped, others kept', async () => {
      const target = await serveRaw(mesh, (one) => {
        if (one.text.endsWith('\r\n\r\n') && one.text.includes('0\r\n')) one.socket.write(ok('fine'));
      });
      proxy.setEndpoints('web', [mesh.plain(target.port)]);
      const client = dialRaw(mesh, proxy.outbound);
      const trailers =
        'Content-Length: 5\r\nHost: x\r\nL5d-Client-Id: x\r\nTransfer-Encoding: chunked\r\nAuthorization: x\r\ngrpc-status: 0\r\nX-Checksum: 1\r\n';
      client.send(post('Transfer-Encoding: chunked\r\n', `3\r\nabc\r\n0\r\n${trailers}\r\n`));
      await client.hears('fine');
      expect(target.served[0]!.text).to.match(/abc\r\n0\r\ngrpc-status: 0\r\nX-Checksum: 1\r\n\r\n$/);
    });

    it('A7: malformed and oversized trailers are refused', async () => {
      await spoiled('0\r\nbad name: 1\r\n\r\n');
      await spoiled(`0\r\n${Array.from({ length: 9 }, (_, i) => `x-${i}: ${'a'.repeat(8000)}\r\n`).join('')}`, 431);
    });
  });
}
