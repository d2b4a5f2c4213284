import { expect } from 'chai';
import type { Address, Transport } from '../../../proxy-image/io/transport/types.ts';
import { authorization } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { identityName, RESERVED_PORT, SERVICE_KEY, SHORT_QUEUE, TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, GET, ok, type Served, serveHttp, serveRaw } from './peers.ts';

/** Identity, policy, the mesh port and the redirected port of the inbound stack. */
export function inboundSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;
  let application: { port: number; served: Served[] };

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ serviceAccount: 'client', limits: { idleGraceMs: 300 } });
    application = await serveHttp(mesh, (request) => ok(request));
    const original = { ip: '127.0.0.1', port: application.port };
    server = await mesh.proxy({
      serviceAccount: 'server',
      originalDestination: { of: () => original },
      limits: { idleGraceMs: 300 },
    });
    client.setService({});
    client.setEndpoints('web', [mesh.meshed(server, application.port)]);
  });
  afterEach(() => mesh.stop());

  const onlyFor = (serviceAccount: string) => ({
    authorizations: [
      authorization('by-name', { authentication: { type: 'identities', identities: [identityName(serviceAccount)] } }),
    ],
  });

  describe('authorization', () => {
    it('by identity: the named one 200, another 403 with the connection kept', async () => {
      server.setPolicy(application.port, onlyFor('client'));
      const caller = dialRaw(mesh, client.outbound);
      expect(await askOn(caller)).to.match(/^HTTP\/1\.1 200 /);
      server.setPolicy(application.port, onlyFor('another'));
      const text = await askOn(caller);
      expect(text).to.match(/^HTTP\/1\.1 403 Forbidden\r\ncontent-length: 0\r\n/);
      expect(text).to.contain('l5d-proxy-error: unauthorized: identity not authorized\r\n');
      server.setPolicy(application.port, onlyFor('client'));
      expect(await askOn(caller)).to.match(/^HTTP\/1\.1 200 /);
      expect(application.served).to.have.length(1);
    });

    it('C13: a stream that is not allowed any more is closed', async () => {
      const echo = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk));
      client.setService({ protocol: 'opaque' });
      client.setEndpoints('web', [mesh.meshed(server, echo.port)]);
      server.setPolicy(echo.port, { ...onlyFor('client'), protocol: 'opaque' });
      const caller = dialRaw(mesh, client.outbound);
      caller.send('hello');
      await caller.hears('hello');
      server.setPolicy(echo.port, { ...onlyFor('another'), protocol: 'opaque' });
      await until(() => caller.closed, 'the end of the stream');
      await until(() => echo.served[0]!.socket.destroyed, 'the end at the application');
    });

    it('a stream that is not allowed never reaches the application', async () => {
      const echo = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk));
      client.setService({ protocol: 'opaque' });
      client.setEndpoints('web', [mesh.meshed(server, echo.port)]);
      server.setPolicy(echo.port, { ...onlyFor('another'), protocol: 'opaque' });
      const caller = dialRaw(mesh, client.outbound);
      caller.send('hello');
      await until(() => caller.closed, 'the refusal');
      expect(echo.served).to.have.length(0);
    });

    it('C12: a probe path is open to everyone, by GET and HEAD only, and exactly', async () => {
      server.setPolicy(application.port, { ...onlyFor('another'), probePaths: ['/live'] });
      const caller = dialRaw(mesh, client.outbound);
      expect(await askOn(caller, 'GET /live HTTP/1.1\r\nHost: web\r\n\r\n')).to.match(/^HTTP\/1\.1 200 /);
      for (const line of ['POST /live', 'GET /live/', 'GET /live/../secret', 'GET //live', 'GET /LIVE']) {
        const request = `${line} HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n`;
        expect(await askOn(caller, request), line).to.match(/^HTTP\/1\.1 403 /);
      }
    });

    it('C3: what a request says of its own origin is passed on and never believed', async () => {
      server.setPolicy(application.port, { ...onlyFor('another'), probePaths: ['/live'] });
      const claims = [
        'X-Forwarded-For: 127.0.0.1',
        'X-Forwarded-Host: localhost',
        'X-Forwarded-Proto: https',
        `X-Forwarded-Client-Cert: Hash=1;URI=${identityName('another')};DNS=${identityName('another')}`,
        'Forwarded: for=127.0.0.1;host=localhost;proto=https',
        'X-Envoy-External-Address: 127.0.0.1',
        'X-Envoy-Original-Path: /live',
        'X-Original-URL: /live',
      ].join('\r\n');
      const request = `GET / HTTP/1.1\r\nHost: web\r\n${claims}\r\n\r\n`;
      const caller = dialRaw(mesh, client.outbound);
      expect(await askOn(caller, request)).to.match(/^HTTP\/1\.1 403 /);
      expect(application.served).to.have.length(0);
      server.setPolicy(application.port, onlyFor('client'));
      expect(await askOn(caller, request)).to.match(/^HTTP\/1\.1 200 /);
      expect(await caller.hears('l5d-client-id')).to.contain(`${claims}\r\n`);
    });

    it('C9: without a certificate of its own the client’s proxy never sends in plaintext', async () => {
      const bare = await mesh.proxy({ certificate: 'no certificate' });
      bare.setService({ queue: SHORT_QUEUE });
      bare.setEndpoints('web', [mesh.meshed(server, application.port)]);
      const text = await askOn(dialRaw(mesh, bare.outbound));
      expect(text).to.match(/^HTTP\/1\.1 502 /);
      expect(application.served).to.have.length(0);
    });

    it('C9: without a certificate of its own the server’s proxy takes no mesh connection', async () => {
      const bare = await mesh.proxy({ certificate: 'no certificate' });
      client.setService({ queue: SHORT_QUEUE });
      client.setEndpoints('web', [mesh.meshed(bare, application.port)]);
      const text = await askOn(dialRaw(mesh, client.outbound));
      // Whether its end looks like a refused handshake or like a lost connection is the runtime's word.
      expect(text).to.match(/^HTTP\/1\.1 50[24] /);
      expect(application.served).to.have.length(0);
    });
  });

  describe('the redirected port', () => {
    it('C1: l5d-client-id of a stranger is removed in every spelling, and none is set', async () => {
      server.setPolicy(application.port, {});
      const stranger = dialRaw(mesh, server.inboundPlain);
      const forged = 'l5d-client-id: forged\r\nL5D-CLIENT-ID: forged\r\nL5d-Client-Id: forged\r\n';
      const text = await askOn(stranger, `GET / HTTP/1.1\r\nHost: web\r\nConnection: l5d-client-id\r\n${forged}\r\n`);
      await stranger.hears('Host: web\r\n');
      expect(text.toLowerCase()).not.to.contain('l5d-client-id');
    });

    it('C1: l5d-client-id in trailers is removed', async () => {
      const seen = await serveRaw(mesh, (one) => {
        if (one.text.includes('0\r\n')) one.socket.write(ok('fine'));
      });
      client.setEndpoints('web', [mesh.meshed(server, seen.port)]);
      const caller = dialRaw(mesh, client.outbound);
      caller.send(
        'POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nl5d-client-id: forged\r\nx-a: 1\r\n\r\n',
      );
      await caller.hears('fine');
      await until(() => seen.served[0]!.text.endsWith('x-a: 1\r\n\r\n'), 'trailers');
      expect(seen.served[0]!.text).not.to.contain('forged');
    });

    it('C2: the mesh’s own fields from outside never reach the application', async () => {
      server.setPolicy(application.port, {});
      const names = [
        'l5d-orig-proto',
        'l5d-proxy-error',
        'l5d-proxy-connection',
        'l5d-dst-override',
        'l5d-dst-canonical',
        'l5d-require-id',
        'l5d-retry-limit',
        'l5d-timeout',
      ];
      const stranger = dialRaw(mesh, server.inboundPlain);
      const lines = names.map((name) => `${name}: forged\r\n`).join('');
      await askOn(stranger, `GET / HTTP/1.1\r\nHost: web\r\n${lines}X-Own: 1\r\n\r\n`);
      expect(await stranger.hears('X-Own: 1')).not.to.contain('forged');
    });

    it('C2: reasons are not told to strangers', async () => {
      server.setPolicy(application.port, { authorizations: [] });
      const stranger = dialRaw(mesh, server.inboundPlain);
      // Loopback is always allowed, so the refusal comes from the codec here.
      const text = await askOn(stranger, 'GET / HTTP/1.1\r\n\r\n');
      expect(text)
        .to.match(/^HTTP\/1\.1 400 /)
        .and.not.to.contain('l5d-proxy-error');
    });

    it('a connection made to the listener itself is closed', async () => {
      let own = { ip: '', port: 0 };
      const other = await mesh.proxy({ originalDestination: { of: () => own } });
      own = other.inboundPlain;
      await until(
        (() => {
          const stranger = dialRaw(mesh, own);
          return () => stranger.closed;
        })(),
        'reset',
      );
    });

    it('the proxy’s own ports are not reached through it', async () => {
      const wanted: Address = { ip: '127.0.0.1', port: 0 };
      const other = await mesh.proxy({ originalDestination: { of: () => wanted } });
      for (const port of [other.inbound.port, other.admin.port, other.outbound.port, RESERVED_PORT]) {
        wanted.port = port;
        const stranger = dialRaw(mesh, other.inboundPlain);
        await until(() => stranger.closed, `reset of port ${port}`);
      }
    });

    it('what is not HTTP is spliced to the original address', async () => {
      server.setPolicy(application.port, { protocol: 'detect' });
      const echo = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk.toUpperCase()));
      const original = { ip: '127.0.0.1', port: echo.port };
      const other = await mesh.proxy({ originalDestination: { of: () => original } });
      const stranger = dialRaw(mesh, other.inboundPlain);
      stranger.send('\x16\x03\x01hello');
      await stranger.hears('\x16\x03\x01HELLO');
    });
  });

  it('C11: the policy of the target port counts, whatever Host says', async () => {
    const open = await serveHttp(mesh, () => ok('open'));
    const policies = {
      [application.port]: { ...onlyFor('another') },
      [open.port]: {},
    };
    server.setPolicy(open.port, policies[open.port]!);
    server.setPolicy(application.port, policies[application.port]!);
    const caller = dialRaw(mesh, client.outbound);
    const text = await askOn(caller, `GET / HTTP/1.1\r\nHost: 127.0.0.1:${open.port}\r\n\r\n`);
    expect(text).to.match(/^HTTP\/1\.1 403 /);
    expect(SERVICE_KEY).to.contain('10.96.0.1');
  });

  it('an application that is not there gives 502: the request that cannot be sent again hears it', async () => {
    client.setEndpoints('web', [mesh.meshed(server, 1)]);
    const body = 'x'.repeat(100_000);
    const post = `POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const text = await askOn(dialRaw(mesh, client.outbound), post);
    expect(text).to.match(/^HTTP\/1\.1 502 /);
    expect(text).to.contain('l5d-proxy-error: connect error\r\n');
  });

  it('the admin port answers by the same codec', async () => {
    const prometheus = dialRaw(mesh, server.admin);
    expect(await askOn(prometheus, 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')).to.contain('content-type: text/plain');
    await prometheus.hears('weft_test 1\n');
    expect(await askOn(prometheus, 'GET /ready HTTP/1.1\r\nHost: x\r\n\r\n')).to.match(/^HTTP\/1\.1 200 /);
    server.readiness.drain();
    expect(await askOn(prometheus, 'HEAD /ready HTTP/1.1\r\nHost: x\r\n\r\n')).to.match(/^HTTP\/1\.1 503 .*\r\n\r\n$/s);
    const put = 'PUT /proxy-log-level HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n';
    prometheus.text = '';
    prometheus.send(`${put}wa`);
    await new Promise((resolve) => setTimeout(resolve, 10));
    prometheus.send('rn');
    expect(await prometheus.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 204 /);
    const large = 'PUT /proxy-log-level HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n';
    expect(await askOn(prometheus, large)).to.match(/^HTTP\/1\.1 413 /);
  });

  describe('drain', () => {
    it('requests under way are finished, connections told to close, then nothing is left', async () => {
      const slow = await serveRaw(mesh, () => {});
      client.setEndpoints('web', [mesh.meshed(server, slow.port)]);
      const caller = dialRaw(mesh, client.outbound);
      caller.send(GET);
      await until(() => slow.served[0]?.text.includes('\r\n\r\n') === true, 'request');
      let drained = false;
      const end = Promise.all([client.stack.drain(), server.stack.drain()]).then(() => {
        drained = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 120));
      expect(drained).to.equal(false);
      slow.served[0]!.socket.write(ok('finished'));
      const text = await caller.hears('finished');
      expect(text).to.contain('connection: close\r\n');
      await caller.gone();
      caller.close();
      await end;
    });

    it('a client that has said nothing does not hold the drain', async () => {
      client.setService({ protocol: 'detect' });
      const silent = dialRaw(mesh, client.outbound);
      await until(() => client.stack !== undefined && silent.socket.readyState === 'open', 'connection');
      await client.stack.drain();
      await silent.gone();
    });

    it('new connections are served while draining: others may not have heard yet', async () => {
      const slow = await serveRaw(mesh, () => {});
      client.setEndpoints('web', [mesh.meshed(server, slow.port)]);
      const holder = dialRaw(mesh, client.outbound);
      holder.send(GET);
      await until(() => slow.served.length === 1, 'request');
      void server.stack.drain();
      client.setEndpoints('web', [mesh.meshed(server, application.port)]);
      const caller = dialRaw(mesh, client.outbound);
      expect(await askOn(caller)).to.match(/^HTTP\/1\.1 200 /);
      expect(await askOn(caller)).to.match(/^HTTP\/1\.1 200 /);
    });
  });

  it('the access log tells who asked for what, and how it went', async () => {
    server.setPolicy(application.port, onlyFor('client'));
    const caller = dialRaw(mesh, client.outbound);
    await askOn(caller, 'GET /a?b HTTP/1.1\r\nHost: web\r\nUser-Agent: test/1\r\nX-Request-Id: r1\r\n\r\n');
    server.setPolicy(application.port, onlyFor('another'));
    await askOn(caller);
    server.accessLog.flush();
    const entries = server.accessLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries).to.have.length(2);
    expect(entries[0]).to.include({
      'client.id': identityName('client'),
      method: 'GET',
      uri: '/a?b',
      version: 'HTTP/1.1',
      host: 'web',
      user_agent: 'test/1',
      trace_id: 'r1',
      status: 200,
      request_bytes: '0',
    });
    expect(Number(entries[0]!['total_ns'])).to.be.greaterThan(Number(entries[0]!['processing_ns']));
    expect(entries[1]).to.include({ status: 403, response_bytes: '0' });
  });

  it('metrics: requests, responses, bytes and identities are recorded on both sides', async () => {
    const caller = dialRaw(mesh, client.outbound);
    for (let i = 0; i < 3; i++) await askOn(caller);
    const outbound = client.metrics();
    const inbound = server.metrics();
    expect(outbound).to.match(/^request_total\{direction="outbound",[^}]*dst_pod="web-[^}]*\} 3$/m);
    expect(outbound).to.match(/^response_total\{[^}]*classification="success"[^}]*status_code="200"[^}]*\} 3$/m);
    expect(inbound).to.match(/^request_total\{direction="inbound",[^}]*client_id="client\.shop[^}]*\} 3$/m);
    expect(inbound).to.match(/^inbound_http_authz_allow_total\{[^}]*\} 3$/m);
    expect(outbound).to.match(/^tcp_open_connections\{[^}]*peer="dst"[^}]*\} 1$/m);
  });
}
