import type { X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import {
  type Authority,
  createAnchor,
  createIssuer,
  createSuccessor,
  issueLeaf,
} from '../../../operator/pki/authority.ts';
import { generateKeyPair, toPem } from '../../../operator/pki/certificate.ts';
import type { Connection, Listener, TlsContext, Transport } from '../../../proxy-image/io/transport/types.ts';
import { Recorder, until } from './recorder.ts';

const DAY_MS = 86_400_000;

/** Two anchors of one mesh, the second vouched for by the first. */
interface Generations {
  old: X509Certificate;
  next: X509Certificate;
  belowOld: Authority;
  belowNext: Authority;
}

/** `ageDays`: of the old anchor, which lives for a hundred days and got its successor after seventy. */
function generations(ageDays: number): Generations {
  const nowMs = Date.now();
  const first = createAnchor('root.test', 100 * DAY_MS, nowMs - ageDays * DAY_MS);
  const second = createSuccessor(first, 'next.root.test', 100 * DAY_MS, nowMs - (ageDays - 70) * DAY_MS);
  return {
    old: first.certificate,
    next: second.certificate,
    belowOld: createIssuer(first, 'identity.test', 50 * DAY_MS, nowMs - DAY_MS),
    belowNext: createIssuer(second, 'identity.test', 50 * DAY_MS, nowMs - DAY_MS),
  };
}

/** What a proxy has when the anchor changes under it, and how it comes to trust its peers (the operator makes such chains). */
export function anchorsContract(create: () => Transport): void {
  const open: { listeners: Listener[]; connections: Connection[] } = { listeners: [], connections: [] };

  afterEach(() => {
    for (const listener of open.listeners.splice(0)) listener.stop();
    for (const connection of open.connections.splice(0)) connection.reset();
  });

  function contextOf(transport: Transport, name: string, issuer: Authority, anchors: X509Certificate[]): TlsContext {
    const keys = generateKeyPair();
    const request = { publicKey: keys.publicKey, dnsNames: [name], lifetimeMs: DAY_MS, nowMs: Date.now() };
    const { certificate } = issueLeaf(issuer, request);
    return transport.tlsContext({
      keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      // The whole chain, as a certificate has it that was issued while the old anchor still lived.
      certificatePem: toPem([certificate, ...issuer.chain]),
      anchorsPem: toPem(anchors),
    });
  }

  /** Whether the client trusts the server, and the server the client. */
  async function handshake(
    client: [Authority, X509Certificate[]],
    server: [Authority, X509Certificate[]],
  ): Promise<[boolean, boolean]> {
    const transport = create();
    const serving = contextOf(transport, 'server.test', ...server);
    const calling = contextOf(transport, 'client.test', ...client);
    const accepted = new Recorder();
    const listener = await transport.listen(
      { ip: '127.0.0.1', port: 0 },
      {
        accept(connection) {
          open.connections.push(connection);
          connection.startTls({ role: 'server', context: serving, alpn: [], requestClientCertificate: true });
          return accepted;
        },
      },
    );
    open.listeners.push(listener);
    const dialled = new Recorder();
    dialled.react.onConnect = (connection) =>
      connection.startTls({ role: 'client', context: calling, alpn: [], serverName: 'server.test' });
    open.connections.push(transport.connect(listener.address, dialled));
    await until(() => dialled.handshake !== null && accepted.handshake !== null, 'handshake');
    return [dialled.handshake!.authorized, accepted.handshake!.authorized];
  }

  describe('an anchor that is replaced', () => {
    it('is vouched for by the old one: who knows that alone and who knows both trust each other, whoever calls', async () => {
      const { old, next, belowOld, belowNext } = generations(71);
      expect(await handshake([belowOld, [old]], [belowNext, [next, old]])).to.deep.equal([true, true]);
      expect(await handshake([belowNext, [next, old]], [belowOld, [old]])).to.deep.equal([true, true]);
    });

    it('needs nobody to vouch for it where it is known itself', async () => {
      const { next, belowNext } = generations(71);
      expect(await handshake([belowNext, [next]], [belowNext, [next]])).to.deep.equal([true, true]);
    });

    it('stays trusted when the old one has ended, though chains still carry its certificate', async () => {
      const { old, next, belowNext } = generations(101);
      expect(await handshake([belowNext, [next]], [belowNext, [old, next]])).to.deep.equal([true, true]);
      expect(await handshake([belowNext, [old]], [belowNext, [next]])).to.deep.equal([false, true]);
    });
  });
}
