import tls from 'node:tls';
import { expect } from 'chai';
import { TRANSPORT_ALPN } from '../../../proxy-image/contract/names.ts';
import { encodeTransportHeader, type TransportHeader } from '../../../proxy-image/io/tls/transport-header.ts';
import type { TlsCredentials, Transport } from '../../../proxy-image/io/transport/types.ts';
import { createLeaf, createTestAuthority, LEAF_DEFECTS } from '../../support/certificates.ts';
import { authorization, initialWorkload, portPolicy, WORKLOAD_KEY } from '../../unit/core/fixtures.ts';
import { type Recorder, until } from '../transport/recorder.ts';
import { contextOf, identityName, RESERVED_PORT, SHORT_QUEUE, TestMesh, type TestProxy } from './mesh.ts';
import { credentialsOf, goodCredentials, left, meshClient, say } from './mesh-client.ts';
import { askOn, dialRaw, GET, ok, type Served, serveHttp } from './peers.ts';

/** TLS between proxies and the transport header, seen from both ends. */
export function meshPortSuite(create: (onFault: (error: unknown) => void) => Transport): void {
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
    client.setService({ queue: SHORT_QUEUE });
    client.setEndpoints('web', [mesh.meshed(server, application.port)]);
  });
  afterEach(() => mesh.stop());

  const onlyFor = (serviceAccount: string) => ({
    authorizations: [
      authorization('by-name', { authentication: { type: 'identities', identities: [identityName(serviceAccount)] } }),
    ],
  });

  const clientOf = (credentials: TlsCredentials, alpn?: string[], to = server): Recorder =>
    meshClient(mesh, to, credentials, alpn);

  const toApplication = (recorder: Recorder, header: Partial<TransportHeader>, text: string): Promise<void> =>
    say(recorder, { port: application.port, ...header }, text);

  describe('C7: clients of the mesh port', () => {
    for (const defect of LEAF_DEFECTS) {
      const good = defect === 'none';
      it(`a client whose certificate has this defect is ${good ? 'served' : 'refused'}: ${defect}`, async () => {
        const leaf = createLeaf(mesh.authority, identityName('client'), defect);
        server.setPolicy(application.port, onlyFor('client'));
        const recorder = clientOf(credentialsOf(mesh, leaf));
        await until(() => recorder.events.includes('secure') || left(recorder), 'an outcome of the handshake');
        if (recorder.events.includes('secure')) await toApplication(recorder, {}, GET);
        if (good) {
          await until(() => recorder.text.includes('HTTP/1.1 200'), 'an answer');
          return;
        }
        await until(() => left(recorder) || recorder.text.includes('\r\n\r\n'), 'a refusal');
        expect(recorder.text).to.match(/^$|^HTTP\/1\.1 403 /);
        expect(application.served).to.have.length(0);
      });
    }

    it('a client without a certificate is refused', async () => {
      const recorder = clientOf({ keyPem: '', certificatePem: '', anchorsPem: mesh.authority.anchorsPem });
      await until(() => left(recorder), 'refusal');
      expect(application.served).to.have.length(0);
    });

    it('a client that does not name the transport protocol is refused', async () => {
      const leaf = createLeaf(mesh.authority, identityName('client'));
      const recorder = clientOf(credentialsOf(mesh, leaf), []);
      await until(() => recorder.events.includes('secure') || left(recorder), 'an outcome of the handshake');
      if (recorder.events.includes('secure')) await toApplication(recorder, {}, GET);
      await until(() => left(recorder), 'refusal');
      expect(application.served).to.have.length(0);
    });

    it('a client of another trust domain is refused', async () => {
      const theirs = createTestAuthority();
      const leaf = createLeaf(theirs, identityName('client'));
      const recorder = clientOf(credentialsOf(mesh, leaf));
      await until(() => left(recorder), 'refusal');
      expect(application.served).to.have.length(0);
    });
  });

  it('C11: no name in SNI, and no protocol beside ours, chooses a policy: the port that is asked for does', async () => {
    const open = await serveHttp(mesh, () => ok('open'));
    server.set(WORKLOAD_KEY, {
      ...initialWorkload(),
      sources: '9',
      ports: { [application.port]: portPolicy(onlyFor('another')), [open.port]: portPolicy() },
    });
    const names = [
      identityName('server'),
      identityName('another'),
      'open.shop.svc.cluster.local',
      `port-${open.port}.example`,
    ];
    for (const name of names) {
      for (const alpn of [[TRANSPORT_ALPN], ['h2', TRANSPORT_ALPN, 'http/1.1']]) {
        const recorder = meshClient(mesh, server, goodCredentials(mesh), alpn, name);
        await toApplication(recorder, {}, GET);
        await until(() => recorder.text.includes('\r\n\r\n'), `an answer to ${name}`);
        expect(recorder.text, name).to.match(/^HTTP\/1\.1 403 /);
        recorder.connection?.reset();
      }
    }
    expect(application.served).to.have.length(0);
  });

  describe('C7: servers', () => {
    for (const defect of LEAF_DEFECTS) {
      const good = defect === 'none';
      it(`a server whose certificate has this defect is ${good ? 'used' : 'refused'}: ${defect}`, async () => {
        const other = await mesh.proxy({ serviceAccount: 'server', certificate: defect });
        client.setEndpoints('web', [mesh.meshed(other, application.port)]);
        const text = await askOn(dialRaw(mesh, client.outbound));
        expect(text).to.match(good ? /^HTTP\/1\.1 200 / : /^HTTP\/1\.1 502 /);
        expect(application.served).to.have.length(good ? 1 : 0);
      });
    }

    it('a server of another identity is refused', async () => {
      client.setEndpoints('web', [mesh.meshed(server, application.port, 'someone-else')]);
      const text = await askOn(dialRaw(mesh, client.outbound));
      expect(text).to.match(/^HTTP\/1\.1 502 /);
      expect(text).to.contain('l5d-proxy-error: the endpoint did not prove its identity\r\n');
      expect(application.served).to.have.length(0);
    });
  });

  it('rotation: new connections use the new certificates, old ones go on with theirs', async () => {
    const caller = dialRaw(mesh, client.outbound);
    await askOn(caller);
    const next = createTestAuthority();
    client.tlsContext = contextOf(mesh.transport, next, { serviceAccount: 'client' });
    server.tlsContext = contextOf(mesh.transport, next, { serviceAccount: 'server' });
    // The kept connection was judged by the old anchors and lives on.
    expect(await askOn(caller)).to.match(/^HTTP\/1\.1 200 /);
    expect(application.served).to.have.length(1);
    const another = await serveHttp(mesh, () => ok('by the new ones'));
    client.setEndpoints('web', [mesh.meshed(server, another.port)]);
    await askOn(caller);
    await caller.hears('by the new ones');
    client.tlsContext = contextOf(mesh.transport, mesh.authority, { serviceAccount: 'client' });
    const third = await serveHttp(mesh, () => ok('never'));
    client.setEndpoints('web', [mesh.meshed(server, third.port)]);
    expect(await askOn(caller)).to.match(/^HTTP\/1\.1 502 /);
    expect(third.served).to.have.length(0);
  });

  it('C8: a client that speaks no TLS 1.3 is refused', async () => {
    const leaf = createLeaf(mesh.authority, identityName('client'));
    const credentials = { key: leaf.keyPem, cert: leaf.chainPem, ca: mesh.authority.anchorsPem };
    const outcome = await new Promise<string>((resolve) => {
      const socket = tls.connect({
        host: server.inbound.ip,
        port: server.inbound.port,
        ...credentials,
        servername: identityName('server'),
        ALPNProtocols: [TRANSPORT_ALPN],
        minVersion: 'TLSv1.2',
        maxVersion: 'TLSv1.2',
        checkServerIdentity: () => undefined,
      });
      socket.on('secureConnect', () => resolve('connected'));
      socket.on('error', () => resolve('refused'));
      mesh.onStop(() => socket.destroy());
    });
    expect(outcome).to.equal('refused');
  });

  it('C8: sessions are not resumed: every client is judged by the anchors of its day', async () => {
    const leaf = createLeaf(mesh.authority, identityName('client'));
    const connect = async (session?: Buffer) => {
      const socket = tls.connect({
        host: server.inbound.ip,
        port: server.inbound.port,
        key: leaf.keyPem,
        cert: leaf.chainPem,
        ca: mesh.authority.anchorsPem,
        servername: identityName('server'),
        ALPNProtocols: [TRANSPORT_ALPN],
        checkServerIdentity: () => undefined,
        ...(session === undefined ? {} : { session }),
      });
      mesh.onStop(() => socket.destroy());
      let offered: Buffer | undefined;
      let answer = '';
      socket.on('session', (next: Buffer) => {
        offered = next;
      });
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString('latin1');
      });
      socket.write(encodeTransportHeader({ port: application.port, name: '', session: 'http1' }));
      socket.write(GET);
      await until(() => answer.includes('HTTP/1.1 200'), 'an answer');
      return { offered, reused: socket.isSessionReused() };
    };
    const { offered } = await connect();
    if (offered !== undefined) expect(await connect(offered)).to.have.property('reused', false);
  });

  describe('the transport header', () => {
    async function refusedAfter(header: Partial<TransportHeader>): Promise<void> {
      const recorder = clientOf(goodCredentials(mesh));
      await toApplication(recorder, header, GET);
      await until(() => left(recorder), 'refusal');
      expect(recorder.text).to.equal('');
      expect(application.served).to.have.length(0);
    }

    it('D1: the proxy’s own ports are refused', async () => {
      const { outbound, inbound, inboundPlain, admin } = server;
      for (const { port } of [outbound, inbound, inboundPlain, admin]) await refusedAfter({ port });
      await refusedAfter({ port: RESERVED_PORT });
    });

    it('gateway names are refused', () => refusedAfter({ name: 'web.shop.svc.cluster.local' }));

    it('may come in single bytes', async () => {
      const recorder = clientOf(goodCredentials(mesh));
      await until(() => recorder.events.includes('secure'), 'handshake');
      const prelude = encodeTransportHeader({ port: application.port, name: '', session: 'http1' });
      for (const octet of Buffer.concat([prelude, Buffer.from(GET)])) {
        recorder.connection!.write(Buffer.from([octet]), 0, 1);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until(() => recorder.text.includes('HTTP/1.1 200'), 'an answer');
    });

    it('anything else ends the connection', async () => {
      const recorder = clientOf(goodCredentials(mesh));
      await until(() => recorder.events.includes('secure'), 'handshake');
      recorder.connection!.write(Buffer.from(GET), 0, GET.length);
      await until(() => left(recorder), 'refusal');
    });

    it('B21: a client that does not get on with it is cut off', async () => {
      const strict = await mesh.proxy({ serviceAccount: 'server', limits: { handshakeTimeoutMs: 300 } });
      const silent = dialRaw(mesh, strict.inbound);
      const half = clientOf(goodCredentials(mesh), undefined, strict);
      await until(() => silent.closed || silent.ended, 'the end of the silent one');
      await until(() => left(half), 'the end of the one without a header');
    });
  });
}
