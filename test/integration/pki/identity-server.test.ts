import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import tls from 'node:tls';
import { expect } from 'chai';
import { IdentityServer } from '../../../operator/pki/server.ts';
import { ServingCertificate } from '../../../operator/pki/serving.ts';
import { encodeFrame, FrameReader } from '../../../proxy-image/contract/framing.ts';
import {
  IDENTITY_ALPN,
  type IdentityAnswer,
  MAX_IDENTITY_MESSAGE_BYTES,
  parseIdentityAnswer,
} from '../../../proxy-image/contract/identity-messages.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { createTestAuthority, type TestAuthority } from '../../support/certificates.ts';

const OPERATOR = 'weft-operator.weft-system.serviceaccount.identity.linkerd.cluster.local';
const DAY_MS = 86_400_000;

const ANSWER: IdentityAnswer = {
  type: 'certificate',
  identity: 'web.shop',
  certificateChainPem: 'chain',
  trustAnchorsPem: 'anchors',
  notBefore: '2026-01-01T00:00:00Z',
  notAfter: '2026-01-02T00:00:00Z',
};

interface Running {
  port: number;
  authority: TestAuthority;
  certificate: ServingCertificate;
  clock: FakeClock;
  /** What was judged: message and address. */
  judged: { message: unknown; remoteAddress: string }[];
  /** Reasons, in order. */
  refused: string[];
  server: IdentityServer;
}

const running: Running[] = [];

async function start(timeoutMs = 2_000, maxConnections = 1_000): Promise<Running> {
  // Behind, so that what is renewed later is valid by the clock of TLS, which no test can turn.
  const clock = new FakeClock({ wallOffsetMs: Date.now() - 0.36 * DAY_MS });
  const authority = createTestAuthority();
  const certificate = new ServingCertificate(
    () => [OPERATOR],
    DAY_MS / 2,
    () => authority.issuer,
    clock,
  );
  certificate.start();
  const judged: Running['judged'] = [];
  const refused: string[] = [];
  const server = new IdentityServer({
    certificate,
    timeoutMs,
    maxConnections,
    refused: (reason) => refused.push(reason),
    signing: {
      certify(message, remoteAddress) {
        judged.push({ message, remoteAddress });
        return Promise.resolve(ANSWER);
      },
    },
  });
  const port = await server.listen(0, '127.0.0.1');
  const all = { port, authority, certificate, clock, judged, refused, server };
  running.push(all);
  return all;
}

async function dial(to: Running, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    host: '127.0.0.1',
    port: to.port,
    servername: OPERATOR,
    ca: to.authority.anchorsPem,
    ALPNProtocols: [IDENTITY_ALPN],
    ...options,
  });
  await once(socket, 'secureConnect');
  return socket;
}

/** Everything until the server ends the connection. */
async function answersOf(socket: tls.TLSSocket): Promise<unknown[]> {
  const reader = new FrameReader(MAX_IDENTITY_MESSAGE_BYTES);
  const messages: unknown[] = [];
  for await (const chunk of socket) messages.push(...reader.push(chunk as Buffer));
  return messages;
}

/** However it ends. */
function closed(socket: Socket): Promise<void> {
  socket.on('error', () => {}).resume();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('identity server', () => {
  afterEach(async () => {
    for (const { server, certificate } of running.splice(0)) {
      certificate.stop();
      await server.close();
    }
  });

  it('proves the identity of the operator over TLS 1.3, takes one request, answers, and ends the connection', async () => {
    const server = await start();
    const socket = await dial(server);
    expect(socket.getProtocol()).to.equal('TLSv1.3');
    expect(socket.alpnProtocol).to.equal(IDENTITY_ALPN);
    expect(socket.getPeerCertificate().subjectaltname).to.equal(`DNS:${OPERATOR}`);
    const request = { type: 'certify', token: 't', csr: 'c' };
    socket.write(encodeFrame(request));
    const answers = await answersOf(socket);
    expect(answers.map(parseIdentityAnswer)).to.deep.equal([ANSWER]);
    expect(server.judged).to.deep.equal([{ message: request, remoteAddress: '127.0.0.1' }]);
  });

  it('puts a request together from single bytes', async () => {
    const server = await start();
    const socket = await dial(server);
    for (const byte of encodeFrame({ a: 1 })) socket.write(Uint8Array.of(byte));
    expect(await answersOf(socket)).to.have.length(1);
    expect(server.judged[0]?.message).to.deep.equal({ a: 1 });
  });

  it('reads one request only, however many are sent', async () => {
    const server = await start();
    const socket = await dial(server);
    socket.write(Buffer.concat([encodeFrame({ n: 1 }), encodeFrame({ n: 2 }), encodeFrame('x'.repeat(60_000))]));
    expect(await answersOf(socket)).to.have.length(1);
    expect(server.judged.map(({ message }) => message)).to.deep.equal([{ n: 1 }]);
  });

  it('C10: a message announced with a megabyte, or one that is no JSON, is judged as nothing and never read', async () => {
    const server = await start();
    for (const bytes of [
      Buffer.from('00100000', 'hex'),
      Buffer.from('00000003616263', 'hex'),
      Buffer.from('00000002fffe', 'hex'),
    ]) {
      const socket = await dial(server);
      socket.write(bytes);
      expect(await answersOf(socket)).to.have.length(1);
    }
    expect(server.judged.map(({ message }) => message)).to.deep.equal([null, null, null]);
  });

  it('closes a connection that speaks another protocol or an older TLS', async () => {
    const server = await start();
    const plain = await dial(server, { ALPNProtocols: undefined });
    expect(await answersOf(plain)).to.deep.equal([]);
    const old = tls.connect({ host: '127.0.0.1', port: server.port, maxVersion: 'TLSv1.2', rejectUnauthorized: false });
    const [error] = (await once(old, 'error')) as [Error];
    expect(error.message).to.match(/protocol version/);
    expect(server.refused).to.deep.equal(['protocol', 'handshake']);
    expect(server.judged).to.deep.equal([]);
  });

  it('closes who does not finish in time: a silent handshake, a silent client, a byte now and then', async () => {
    const server = await start(300);
    const silent = connect(server.port, '127.0.0.1');
    const idle = await dial(server);
    const slow = await dial(server);
    const drip = setInterval(() => slow.write(Uint8Array.of(0)), 100);
    const startMs = performance.now();
    await Promise.all([silent, idle, slow].map(closed));
    clearInterval(drip);
    expect(performance.now() - startMs).to.be.lessThan(10_000);
    expect(server.judged).to.deep.equal([]);
    expect(server.refused).to.deep.equal(['timeout', 'timeout', 'timeout']);
  });

  it('B14: connections that keep silent, before their handshake or after it, keep no proxy out', async () => {
    const server = await start(60_000, 20);
    const silent: Socket[] = [];
    for (let i = 0; i < 60; i++) {
      const one = i % 3 === 0 ? await dial(server) : connect(server.port, '127.0.0.1');
      silent.push(one.on('error', () => {}));
      if (i < 20) continue;
      const socket = await dial(server);
      socket.write(encodeFrame({ i }));
      expect(await answersOf(socket)).to.have.length(1);
    }
    expect(server.refused.length).to.be.greaterThan(30);
    expect([...new Set(server.refused)]).to.deep.equal(['made_room']);
    for (const one of silent) one.destroy();
  });

  it('E6: presents a renewed certificate to new connections while the old one is still valid', async () => {
    const server = await start();
    const serialOf = async () => {
      const socket = await dial(server);
      const { serialNumber } = socket.getPeerX509Certificate() as X509Certificate;
      socket.destroy();
      return serialNumber;
    };
    const before = await serialOf();
    const { notAfterMs } = server.certificate.current!;
    await server.clock.advance(DAY_MS * 0.34);
    expect(await serialOf()).to.equal(before);
    await server.clock.advance(DAY_MS * 0.02);
    expect(await serialOf()).not.to.equal(before);
    expect(notAfterMs).to.be.greaterThan(server.clock.wallMs());
  });

  it('follows a new issuer at once', async () => {
    const server = await start();
    const other = createTestAuthority();
    const before = server.certificate.current;
    server.certificate.renewIfDue();
    expect(server.certificate.current).to.equal(before);
    Object.assign(server.authority, other);
    server.certificate.renewIfDue();
    const socket = await dial(server, { ca: other.anchorsPem });
    expect(socket.authorized).to.equal(true);
    socket.destroy();
  });

  it('cuts open connections when it closes', async () => {
    const server = await start(60_000);
    const socket = await dial(server);
    const ended = closed(socket);
    running.splice(0);
    server.certificate.stop();
    await server.server.close();
    await ended;
  });

  it('does not start without a certificate', () => {
    const certificate = new ServingCertificate(
      () => [OPERATOR],
      DAY_MS,
      () => null,
      new FakeClock(),
    );
    certificate.renewIfDue();
    expect(() => new IdentityServer({ certificate, signing: { certify: () => Promise.reject() } })).to.throw(
      /certificate/,
    );
  });
});
