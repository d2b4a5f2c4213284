import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type {
  Acceptor,
  Connection,
  ConnectionHandler,
  Listener,
  TlsContext,
  Transport,
} from '../../../proxy-image/io/transport/types.ts';
import { createLeaf, createTestAuthority, type LeafDefect, type TestAuthority } from '../../support/certificates.ts';
import { anchorsContract } from './anchors-contract.ts';
import { fairnessContract } from './fairness-contract.ts';
import { Recorder, until } from './recorder.ts';
import { lateLoopContract, timersContract } from './timers-contract.ts';

/** Writes all of `bytes` as the peer takes them; `drain` is to be called from `onDrain`. */
class Pump {
  offset = 0;
  partialWrites = 0;
  readonly #bytes: Buffer;
  readonly #done: (connection: Connection) => void;
  constructor(bytes: Buffer, done: (connection: Connection) => void) {
    this.#bytes = bytes;
    this.#done = done;
  }
  drain(connection: Connection): void {
    while (this.offset < this.#bytes.length) {
      const left = Math.min(this.#bytes.length - this.offset, 3_000_000);
      const taken = connection.write(this.#bytes, this.offset, left);
      this.offset += taken;
      if (taken < left) {
        this.partialWrites++;
        return;
      }
    }
    if (this.offset === this.#bytes.length) {
      this.offset++;
      this.#done(connection);
    }
  }
}

const ALPN = ['transport.l5d.io/v1'];

/** What every implementation of the transport must do; runs in whatever runtime loads it. */
export function transportContract(create: (onFault: (error: unknown) => void) => Transport): void {
  let transport: Transport;
  let faults: unknown[];
  let listeners: Listener[];
  let connections: Connection[];

  beforeEach(() => {
    faults = [];
    listeners = [];
    connections = [];
    transport = create((error) => faults.push(error));
  });
  afterEach(() => {
    for (const listener of listeners) listener.stop();
    for (const connection of connections) connection.reset();
    expect(faults).to.deep.equal([]);
  });

  async function serve(accept: (connection: Connection, recorder: Recorder) => void = () => {}, ip = '127.0.0.1') {
    const accepted: Recorder[] = [];
    const acceptor: Acceptor = {
      accept(connection) {
        const recorder = new Recorder();
        recorder.connection = connection;
        connections.push(connection);
        accepted.push(recorder);
        accept(connection, recorder);
        return recorder;
      },
    };
    const listener = await transport.listen({ ip, port: 0 }, acceptor);
    listeners.push(listener);
    return { listener, accepted };
  }

  function dial(address: { ip: string; port: number }, react: Partial<ConnectionHandler> = {}) {
    const recorder = new Recorder();
    recorder.react = react;
    recorder.connection = transport.connect(address, recorder);
    connections.push(recorder.connection);
    return recorder;
  }

  function send(connection: Connection, text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    expect(connection.write(bytes, 0, bytes.length)).to.equal(bytes.length);
  }

  async function connected() {
    const { listener, accepted } = await serve();
    const client = dial(listener.address);
    await until(() => client.events.includes('connect') && accepted.length === 1, 'connect');
    return { client, server: accepted[0]!, listener };
  }

  function contextOf(authority: TestAuthority, name: string, defect: LeafDefect = 'none'): TlsContext {
    const { keyPem, chainPem } = createLeaf(authority, name, defect);
    return transport.tlsContext({ keyPem, certificatePem: chainPem, anchorsPem: authority.anchorsPem });
  }

  async function secured(clientDefect: LeafDefect = 'none', alpn: string[] = ALPN) {
    const authority = createTestAuthority();
    const server = contextOf(authority, 'server.test');
    const client = contextOf(authority, 'client.test', clientDefect);
    const { listener, accepted } = await serve((connection) => {
      connection.startTls({ role: 'server', context: server, alpn: ALPN, requestClientCertificate: true });
    });
    const dialled = dial(listener.address, {
      onConnect: (connection) =>
        connection.startTls({ role: 'client', context: client, alpn, serverName: 'server.test' }),
    });
    return { dialled, accepted, listener };
  }

  describe('plain connections', () => {
    it('carry bytes both ways and know their addresses', async () => {
      const { client, server, listener } = await connected();
      send(client.connection!, 'hello');
      await until(() => server.text === 'hello', 'hello');
      send(server.connection!, 'world');
      await until(() => client.text === 'world', 'world');
      expect(server.connection!.remote).to.deep.equal(client.connection!.local);
      expect(client.connection!.remote).to.deep.equal(listener.address);
      expect(server.connection!.local).to.deep.equal(listener.address);
      expect(client.connection!.bytesWritten).to.equal(5);
      expect(client.connection!.bytesRead).to.equal(5);
      expect(server.connection!.fd).to.be.greaterThan(2);
    });

    it('write the asked part of a buffer, which may be reused at once', async () => {
      const { client, server } = await connected();
      const buffer = Buffer.from('0123456789');
      expect(client.connection!.write(buffer, 3, 4)).to.equal(4);
      buffer.fill('x');
      await until(() => server.bytes === 4, 'part');
      expect(server.text).to.equal('3456');
    });

    it('see IPv4 clients of a dual-stack listener as IPv4', async () => {
      const { listener, accepted } = await serve(() => {}, '::');
      dial({ ip: '127.0.0.1', port: listener.address.port });
      await until(() => accepted.length === 1, 'accept');
      expect(accepted[0]!.connection!.remote.ip).to.equal('127.0.0.1');
      expect(accepted[0]!.connection!.local.ip).to.equal('127.0.0.1');
      dial({ ip: '::1', port: listener.address.port });
      await until(() => accepted.length === 2, 'accept over IPv6');
      expect(accepted[1]!.connection!.remote.ip).to.equal('::1');
    });

    it('half-close: the other direction goes on', async () => {
      const { client, server } = await connected();
      send(client.connection!, 'question');
      client.connection!.end();
      await until(() => server.events.includes('end'), 'end');
      expect(server.text).to.equal('question');
      send(server.connection!, 'answer');
      await until(() => client.text === 'answer', 'answer');
      expect(client.events).not.to.include('end');
      server.connection!.end();
      await until(() => client.events.includes('close') && server.events.includes('close'), 'close');
      expect(client.events).to.deep.equal(['connect', 'data', 'end', 'close']);
      expect(client.error).to.equal(null);
    });

    it('close delivers what was written, then ends', async () => {
      const { client, server } = await connected();
      send(client.connection!, 'last words');
      client.connection!.close();
      expect(client.events).not.to.include('close');
      expect(client.connection!.isOpen).to.equal(false);
      await until(() => server.events.includes('end') && client.events.includes('close'), 'close');
      expect(server.text).to.equal('last words');
      expect(client.connection!.write(Buffer.from('x'), 0, 1)).to.equal(0);
      expect(server.error).to.equal(null);
    });

    it('reset reaches the peer as an error', async () => {
      const { client, server } = await connected();
      client.connection!.reset();
      await until(() => server.events.includes('close') && client.events.includes('close'), 'close');
      expect(server.error?.kind).to.equal('reset');
      expect(client.error).to.equal(null);
      expect(server.events).not.to.include('end');
    });

    it('close and reset again do nothing', async () => {
      const { client } = await connected();
      client.connection!.close();
      client.connection!.close();
      client.connection!.reset();
      await until(() => client.events.includes('close'), 'close');
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(client.events.filter((event) => event === 'close')).to.have.length(1);
    });

    it('report a refused connection without calling back within the call', async () => {
      const { listener } = await serve();
      listener.stop();
      const client = dial(listener.address);
      expect(client.events).to.deep.equal([]);
      await until(() => client.events.includes('close'), 'refusal');
      expect(client.events).to.deep.equal(['close']);
      expect(client.error?.kind).to.equal('refused');
    });

    it('can be given up while connecting', async () => {
      const { listener } = await serve();
      const client = dial(listener.address);
      client.connection!.reset();
      await until(() => client.events.includes('close'), 'close');
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(client.events).to.deep.equal(['close']);
    });

    it('pause holds the bytes back, resume brings them', async () => {
      const { client, server } = await connected();
      server.connection!.pause();
      server.connection!.pause();
      await new Promise((resolve) => setTimeout(resolve, 10));
      send(client.connection!, 'held');
      await new Promise((resolve) => setTimeout(resolve, 40));
      expect(server.text).to.equal('');
      server.connection!.resume();
      await until(() => server.text === 'held', 'held');
    });

    it('replacing the handler moves the events', async () => {
      const { client, server } = await connected();
      const next = new Recorder();
      server.connection!.handler = next;
      send(client.connection!, 'for the next');
      await until(() => next.text === 'for the next', 'data at the new handler');
      client.connection!.close();
      await until(() => next.events.includes('end'), 'end');
      expect(server.events).to.deep.equal([]);
    });

    it('a stopped listener refuses, its connections live on', async () => {
      const { client, server, listener } = await connected();
      listener.stop();
      send(client.connection!, 'still here');
      await until(() => server.text === 'still here', 'data');
      const late = dial(listener.address);
      await until(() => late.events.includes('close'), 'refusal');
      expect(late.error?.kind).to.equal('refused');
    });

    it('a busy address rejects with WEFT_TRANSPORT_LISTEN', async () => {
      const { listener } = await serve();
      let error: unknown;
      await transport.listen(listener.address, { accept: () => new Recorder() }).catch((reason: unknown) => {
        error = reason;
      });
      expect(error).to.have.property('code', 'WEFT_TRANSPORT_LISTEN');
    });
  });

  describe('defects of handlers', () => {
    it('end one connection and are reported (D8)', async () => {
      const { listener, accepted } = await serve((_, recorder) => {
        recorder.react = {
          onData: () => {
            throw new Error('planted');
          },
        };
      });
      const broken = dial(listener.address);
      const healthy = dial(listener.address);
      await until(() => accepted.length === 2 && healthy.events.includes('connect'), 'connect');
      accepted.forEach((recorder) => {
        if (recorder.connection!.remote.port === healthy.connection!.local.port) recorder.react = {};
      });
      send(broken.connection!, 'x');
      await until(() => broken.events.includes('close'), 'close');
      send(healthy.connection!, 'y');
      await until(() => accepted.some((recorder) => recorder.text === 'y'), 'the other connection');
      expect(faults).to.have.length(1);
      expect(String(faults[0])).to.contain('planted');
      faults.length = 0;
    });
  });

  describe('back-pressure', () => {
    const body = Buffer.alloc(24 << 20);
    for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
    const digest = createHash('sha256').update(body).digest('hex');

    async function transfer(client: Recorder, server: Recorder): Promise<void> {
      const hash = createHash('sha256');
      let chunks = 0;
      server.react = {
        onData: (connection, chunk) => {
          hash.update(chunk);
          server.received.length = 0;
          if (++chunks % 8 !== 0) return;
          connection.pause();
          setTimeout(() => connection.resume(), 2);
        },
      };
      const pump = new Pump(body, (connection) => connection.end());
      client.react = { onDrain: (connection) => pump.drain(connection) };
      pump.drain(client.connection!);
      await until(() => server.events.includes('end'), 'all of the body', 20_000);
      expect(hash.digest('hex')).to.equal(digest);
      expect(pump.partialWrites).to.be.greaterThan(3);
    }

    it('partial writes and drain lose and repeat nothing', async () => {
      const { client, server } = await connected();
      await transfer(client, server);
    });

    it('partial writes and drain lose and repeat nothing under TLS', async () => {
      const { dialled, accepted } = await secured();
      await until(() => dialled.events.includes('secure') && accepted[0]!.events.includes('secure'), 'handshake');
      await transfer(dialled, accepted[0]!);
    });

    it('a paused reader stops the writer', async () => {
      const { client, server } = await connected();
      server.connection!.pause();
      const pump = new Pump(body, () => {});
      client.react = { onDrain: (connection) => pump.drain(connection) };
      pump.drain(client.connection!);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(pump.offset).to.be.lessThan(body.length);
      expect(server.bytes).to.be.lessThan(2 << 20);
    });
  });

  describe('TLS', () => {
    it('proves both sides to each other, with the protocol and the server name', async () => {
      const { dialled, accepted } = await secured();
      await until(() => dialled.events.includes('secure') && accepted[0]?.handshake !== null, 'handshake');
      const server = accepted[0]!;
      expect(dialled.handshake).to.include({ authorized: true, alpn: ALPN[0] });
      expect(server.handshake).to.include({ authorized: true, alpn: ALPN[0], serverName: 'server.test' });
      expect(Buffer.from(dialled.handshake!.peerCertificate!).includes('server.test')).to.equal(true);
      expect(Buffer.from(server.handshake!.peerCertificate!).includes('client.test')).to.equal(true);
      send(dialled.connection!, 'secret');
      await until(() => server.text === 'secret', 'data');
      send(server.connection!, 'reply');
      await until(() => dialled.text === 'reply', 'reply');
      expect(server.connection!.bytesRead).to.equal(6);
    });

    it('half-close works under TLS', async () => {
      const { dialled, accepted } = await secured();
      await until(() => dialled.events.includes('secure') && accepted[0]?.handshake !== null, 'handshake');
      const server = accepted[0]!;
      send(dialled.connection!, 'question');
      dialled.connection!.end();
      await until(() => server.events.includes('end'), 'end');
      expect(server.text).to.equal('question');
      send(server.connection!, 'answer');
      await until(() => dialled.text === 'answer', 'answer');
      server.connection!.end();
      await until(() => dialled.events.includes('close') && server.events.includes('close'), 'close');
    });

    it('close under TLS delivers what was written', async () => {
      const { dialled, accepted } = await secured();
      await until(() => dialled.events.includes('secure') && accepted[0]?.handshake !== null, 'handshake');
      send(dialled.connection!, 'last words');
      dialled.connection!.close();
      await until(() => accepted[0]!.events.includes('end'), 'end');
      expect(accepted[0]!.text).to.equal('last words');
    });

    it('hands over clients that nobody vouches for, as not authorized', async () => {
      const { dialled, accepted } = await secured('self-signed');
      await until(() => accepted[0]?.handshake != null, 'handshake');
      expect(accepted[0]!.handshake!.authorized).to.equal(false);
      expect(accepted[0]!.handshake!.authorizationError).not.to.equal('');
      expect(dialled.handshake?.authorized).to.equal(true);
    });

    it('hands over clients without a certificate, as not authorized', async () => {
      const authority = createTestAuthority();
      const server = contextOf(authority, 'server.test');
      const client = transport.tlsContext({ keyPem: '', certificatePem: '', anchorsPem: authority.anchorsPem });
      const { listener, accepted } = await serve((connection) => {
        connection.startTls({ role: 'server', context: server, alpn: [], requestClientCertificate: true });
      });
      const dialled = dial(listener.address, {
        onConnect: (connection) =>
          connection.startTls({ role: 'client', context: client, alpn: [], serverName: 'server.test' }),
      });
      await until(() => accepted[0]?.handshake != null && dialled.handshake !== null, 'handshake');
      expect(accepted[0]!.handshake).to.include({ authorized: false, peerCertificate: null, alpn: null });
      expect(dialled.handshake!.authorized).to.equal(true);
    });

    it('a server of another authority is not authorized', async () => {
      const theirs = createTestAuthority();
      const ours = createTestAuthority();
      const server = contextOf(theirs, 'server.test');
      const client = transport.tlsContext({ keyPem: '', certificatePem: '', anchorsPem: ours.anchorsPem });
      const { listener } = await serve((connection) => {
        connection.startTls({ role: 'server', context: server, alpn: [], requestClientCertificate: false });
      });
      const dialled = dial(listener.address, {
        onConnect: (connection) =>
          connection.startTls({ role: 'client', context: client, alpn: [], serverName: 'server.test' }),
      });
      await until(() => dialled.handshake !== null, 'handshake');
      expect(dialled.handshake!.authorized).to.equal(false);
    });

    it('without a common protocol the handshake fails', async () => {
      const { dialled, accepted } = await secured('none', ['h2']);
      await until(() => dialled.events.includes('close') && accepted[0]!.events.includes('close'), 'failure');
      expect(dialled.events).not.to.include('secure');
      expect(accepted[0]!.error?.kind).to.equal('tls');
    });

    it('bytes that are no TLS end the connection with an error of kind tls', async () => {
      const authority = createTestAuthority();
      const context = contextOf(authority, 'server.test');
      const { listener, accepted } = await serve((connection) => {
        connection.startTls({ role: 'server', context, alpn: ALPN, requestClientCertificate: true });
      });
      const dialled = dial(listener.address, {
        onConnect: (connection) => send(connection, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'),
      });
      await until(() => accepted[0]?.events.includes('close') === true, 'failure');
      expect(accepted[0]!.error?.kind).to.equal('tls');
      await until(() => dialled.events.includes('close') || dialled.events.includes('end'), 'the client hears of it');
    });

    it('a peer that closes before the handshake is a close, once', async () => {
      const authority = createTestAuthority();
      const context = contextOf(authority, 'server.test');
      const { listener, accepted } = await serve((connection) => {
        connection.startTls({ role: 'server', context, alpn: ALPN, requestClientCertificate: true });
      });
      dial(listener.address, { onConnect: (connection) => connection.close() });
      await until(() => accepted[0]?.events.includes('close') === true, 'close');
      expect(accepted[0]!.events).not.to.include('secure');
      expect(accepted[0]!.events.filter((event) => event === 'close')).to.have.length(1);
    });

    it('old connections keep their context, new ones use the new one', async () => {
      const first = await secured();
      await until(() => first.dialled.handshake !== null && first.accepted[0]?.handshake != null, 'handshake');
      const second = await secured();
      await until(() => second.dialled.handshake !== null && second.accepted[0]?.handshake != null, 'handshake');
      send(first.dialled.connection!, 'old');
      send(second.dialled.connection!, 'new');
      await until(() => first.accepted[0]!.text === 'old' && second.accepted[0]!.text === 'new', 'both');
    });

    for (const [what, change] of [
      ['a key that does not parse', { keyPem: 'nonsense' }],
      ['a certificate that does not parse', { certificatePem: 'nonsense' }],
      ['no anchor', { anchorsPem: '' }],
      ['the key of another certificate', { keyPem: createLeaf(createTestAuthority(), 'other.test').keyPem }],
    ] as const) {
      it(`${what} is refused with WEFT_TLS_CREDENTIALS`, () => {
        const authority = createTestAuthority();
        const leaf = createLeaf(authority, 'server.test');
        const good = { keyPem: leaf.keyPem, certificatePem: leaf.chainPem, anchorsPem: authority.anchorsPem };
        expect(() => transport.tlsContext({ ...good, ...change }))
          .to.throw()
          .with.property('code', 'WEFT_TLS_CREDENTIALS');
      });
    }
  });

  timersContract(() => transport);
  lateLoopContract(() => transport);
  fairnessContract(() => transport);
  anchorsContract(() => transport);
}
