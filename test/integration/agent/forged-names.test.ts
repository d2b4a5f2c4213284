import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { expect } from 'chai';
import { CONFIG_ALPN } from '../../../proxy-image/contract/messages.ts';
import { createLeaf, createTestAuthority, type TestAuthority } from '../../support/certificates.ts';
import { ControlPlane, OPERATOR_IDENTITY } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { namespace, pod } from '../../support/models.ts';
import { CLIENT, StreamClient } from './fixtures/stream-client.ts';

/** What an answer may name beside the operator, at the operator's own port: loopback addresses stand for link-local ones and those of other pods as well. */
const OF_ANOTHER_AUTHORITY = '127.0.0.2';
const ANOTHER_WORKLOAD = '127.0.0.3';
const PLAINTEXT = '127.0.0.4';
const NOBODY = '127.0.0.5';
const OPERATOR = '127.0.0.1';

describe('D7: a forged answer to the name of the operator', () => {
  let plane: ControlPlane;
  let heard: Record<string, string>;
  let connections: number;
  const closers: (() => void)[] = [];

  beforeEach(async () => {
    plane = await ControlPlane.start();
    plane.put('Namespace', namespace('app'));
    plane.put('Pod', pod('web-1', '10.1.0.1'));
    heard = {};
    connections = 0;
    const { issuer } = plane.trust.current!;
    const own: TestAuthority = { anchor: issuer, issuer, anchorsPem: plane.anchorsPem };
    await impostor(OF_ANOTHER_AUTHORITY, createTestAuthority(), OPERATOR_IDENTITY);
    await impostor(ANOTHER_WORKLOAD, own, CLIENT);
    await listen(
      PLAINTEXT,
      createServer((socket) => record(PLAINTEXT, socket)),
    );
  });

  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await plane.stop();
  });

  /** Shakes hands with everybody, notes what it is told, and answers with a configuration of its own. */
  function impostor(ip: string, authority: TestAuthority, identity: string): Promise<void> {
    const { keyPem, chainPem } = createLeaf(authority, identity);
    const server = createTlsServer({ key: keyPem, cert: chainPem, ALPNProtocols: [CONFIG_ALPN] }, (socket) => {
      record(ip, socket);
      socket.write('\u0000\u0000\u0000\u0011{"type":"ping"}  ');
    });
    server.on('tlsClientError', () => {});
    return listen(ip, server);
  }

  function record(ip: string, socket: Socket): void {
    heard[ip] ??= '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard[ip] += chunk.toString('latin1');
    });
    closers.push(() => socket.destroy());
  }

  function listen(ip: string, server: Server): Promise<void> {
    closers.push(() => server.close());
    server.on('connection', () => {
      connections++;
    });
    return new Promise((resolve) => server.listen(plane.configPort, ip, resolve));
  }

  function client(...addresses: string[]): StreamClient {
    const created = new StreamClient(plane, { resolve: async () => addresses }).start();
    closers.push(() => created.stop());
    return created;
  }

  /** Nothing of the stream: neither who the pod is nor what it asks for. In plaintext a client hello is all that there is. */
  function expectUntold(): void {
    for (const [ip, text] of Object.entries(heard)) {
      expect(text, ip).not.to.contain('hello').and.not.to.contain('subscribe').and.not.to.contain('web-1');
    }
  }

  for (const [what, ip, code] of [
    ['a server of another authority under the operator’s name', OF_ANOTHER_AUTHORITY, 'WEFT_CONTROL_IDENTITY'],
    ['another workload of the mesh', ANOTHER_WORKLOAD, 'WEFT_CONTROL_IDENTITY'],
    ['a server that speaks no TLS', PLAINTEXT, null],
    ['nobody', NOBODY, 'WEFT_CONTROL_CONNECT'],
  ] as const) {
    it(`that names ${what} is told nothing and configures nothing`, async () => {
      const { state, log, connections: states } = client(ip);
      if (code === null) await eventually('the beginning of a handshake', () => (heard[ip]?.length ?? 0) > 0);
      else await eventually('the failure', () => log.codes.includes(code));
      expectUntold();
      expect(state.status).to.include({ workloadArrived: false, connected: false });
      expect(states).not.to.include(true);
      expect(state.trust).to.equal(null);
    });
  }

  it('that names the operator among others costs time and nothing else', async () => {
    const { state } = client(NOBODY, OF_ANOTHER_AUTHORITY, ANOTHER_WORKLOAD, OPERATOR);
    await eventually('the workload', () => state.status.workloadArrived);
    expectUntold();
    expect(state.trust?.anchorsPem).to.equal(plane.anchorsPem);
  });

  it('with a thousand addresses is tried for sixteen of them, then the name is asked for again', async () => {
    let asked = 0;
    const created = new StreamClient(plane, {
      resolve: async () => {
        asked++;
        return asked === 1 ? Array.from({ length: 1_000 }, () => ANOTHER_WORKLOAD) : [OPERATOR];
      },
    }).start();
    closers.push(() => created.stop());
    await eventually('the workload', () => created.state.status.workloadArrived);
    expect(connections).to.equal(16);
    expect(asked).to.equal(2);
  });
});
