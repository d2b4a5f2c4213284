import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { Http2ClientConnection } from '../../../proxy-image/codec/http2/client.ts';
import { FlushQueue } from '../../../proxy-image/codec/http2/flush.ts';
import type { HeaderList } from '../../../proxy-image/codec/http2/hpack/header-list.ts';
import { HTTP2_LIMITS, type Http2Context } from '../../../proxy-image/codec/http2/limits.ts';
import type { Http2Request } from '../../../proxy-image/codec/http2/request.ts';
import type { Http2Response } from '../../../proxy-image/codec/http2/response.ts';
import { Http2ServerConnection } from '../../../proxy-image/codec/http2/server.ts';
import type {
  Http2Client,
  Http2ClientOwner,
  Http2Stream,
  StreamEnd,
  StreamHandler,
} from '../../../proxy-image/codec/http2/types.ts';
import { NO_HANDLER } from '../../../proxy-image/io/transport/no-handler.ts';
import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import type { Listener, Transport } from '../../../proxy-image/io/transport/types.ts';
import { encodeBlock } from '../../support/http2.ts';

const OK = encodeBlock([':status'], ['200']);
const TRAILERS = encodeBlock(['grpc-status'], ['0']);
const POST = encodeBlock([':method', ':scheme', ':path', ':authority'], ['POST', 'http', '/', 'web']);
const BODY_BYTES = 16 * 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 0x61);

/** Echoes: what cannot be sent on is not consumed, so that back-pressure goes from end to end. */
class Echo implements StreamHandler {
  heldBytes = 0;
  mostPending = 0;
  resets: number[] = [];

  onResponse(): void {}
  onData(stream: Http2Stream, bytes: Buffer, from: number, to: number): boolean {
    const sent = stream.sendData(bytes, from, to);
    this.mostPending = Math.max(this.mostPending, stream.pendingBytes);
    return sent;
  }
  onEnd(stream: Http2Stream): void {
    stream.sendTrailers(TRAILERS);
  }
  onWritable(stream: Http2Stream): void {
    stream.consumed();
  }
  onReset(_: Http2Stream, end: StreamEnd): void {
    this.resets.push(end.code);
  }
}

/** Sends a body and counts what comes back. */
class Exchange implements StreamHandler {
  readonly done: Promise<string>;
  status = 0;
  receivedBytes = 0;
  mostPending = 0;
  /** Does not take what comes, until told. */
  slow = false;
  #left: number;
  #finish: (end: string) => void = () => {};

  constructor(bodyBytes: number) {
    this.#left = bodyBytes;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  begin(client: Http2Client): Http2Stream {
    const stream = client.open(this);
    stream.sendHeaders(POST, this.#left === 0);
    if (this.#left > 0) this.onWritable(stream);
    return stream;
  }

  onWritable(stream: Http2Stream): void {
    while (this.#left > 0) {
      const size = Math.min(this.#left, PIECE.length);
      this.#left -= size;
      const sent = stream.sendData(PIECE, 0, size);
      this.mostPending = Math.max(this.mostPending, stream.pendingBytes);
      if (!sent) return;
    }
    stream.sendEnd();
  }

  onResponse(_: Http2Stream, response: Http2Response, end: boolean): void {
    this.status = response.status;
    if (end) this.#finish('end');
  }
  onData(_: Http2Stream, __: Buffer, from: number, to: number): boolean {
    this.receivedBytes += to - from;
    return !this.slow;
  }
  onEnd(_: Http2Stream, trailers: HeaderList | null): void {
    this.#finish(trailers === null ? 'end' : `trailers ${trailers.values.join()}`);
  }
  onReset(_: Http2Stream, { code, unprocessed }: StreamEnd): void {
    this.#finish(`reset ${code}${unprocessed ? ' unprocessed' : ''}`);
  }
}

const QUIET: Http2ClientOwner = {
  capacityChanged: () => {},
  streamEnded: () => {},
  becameUnusable: () => {},
  closed: () => {},
};

describe('HTTP/2 engine against node:http2', () => {
  let transport: Transport;
  let context: Http2Context;
  let listener: Listener;
  let echo: Echo;
  let servers: Http2ServerConnection[];
  let node: http2.Http2Server;
  const faults: unknown[] = [];

  beforeEach(async () => {
    transport = createNodeTransport((fault) => faults.push(fault));
    context = { timers: transport.timers, flush: new FlushQueue(), limits: HTTP2_LIMITS };
    echo = new Echo();
    servers = [];
    const owner = {
      streamOpened: (stream: Http2Stream, _: Http2Request, end: boolean) => {
        stream.handler = echo;
        stream.sendHeaders(OK, false);
        if (end) stream.sendTrailers(TRAILERS);
      },
      headWaits: () => {},
      requestRefused: () => {},
      closed: () => {},
    };
    listener = await transport.listen(
      { ip: '127.0.0.1', port: 0 },
      {
        accept: (connection) => {
          const server = new Http2ServerConnection(connection, owner, context);
          servers.push(server);
          return connection.handler;
        },
      },
    );
    node = http2.createServer();
    node.listen(0, '127.0.0.1');
    await once(node, 'listening');
  });

  afterEach(() => {
    listener.stop();
    node.close();
    for (const server of servers) server.abort();
    expect(faults).to.deep.equal([]);
  });

  function connect(owner: Http2ClientOwner = QUIET): Promise<Http2ClientConnection> {
    const { port } = node.address() as AddressInfo;
    return new Promise((resolve) => {
      transport.connect(
        { ip: '127.0.0.1', port },
        {
          ...NO_HANDLER,
          onConnect: (connection) => resolve(new Http2ClientConnection(connection, null, owner, context)),
        },
      );
    });
  }

  it('as server: 16 MB there and back, with trailers, in bounded memory', async () => {
    const session = http2.connect(`http://127.0.0.1:${listener.address.port}`);
    const request = session.request({ ':method': 'POST' });
    let trailers = '';
    request.on('trailers', (fields) => {
      trailers = String(fields['grpc-status']);
    });
    let sentBytes = 0;
    const feed = (): void => {
      while (sentBytes < BODY_BYTES) {
        sentBytes += PIECE.length;
        if (!request.write(PIECE)) return;
      }
      request.end();
    };
    request.on('drain', feed);
    feed();
    let receivedBytes = 0;
    for await (const chunk of request) receivedBytes += (chunk as Buffer).length;
    expect(receivedBytes).to.equal(BODY_BYTES);
    expect(trailers).to.equal('0');
    expect(echo.mostPending).to.be.at.most(HTTP2_LIMITS.streamWindowBytes);
    expect(servers[0]!.idle).to.equal(true);
    session.destroy();
  });

  it('as server: a client that does not read stops the one that sends', async () => {
    const session = http2.connect(`http://127.0.0.1:${listener.address.port}`);
    const request = session.request({ ':method': 'POST' });
    request.on('error', () => {});
    request.pause();
    for (let i = 0; i < 64; i++) request.write(PIECE);
    await once(request, 'response');
    while (echo.mostPending === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(echo.mostPending).to.be.at.most(HTTP2_LIMITS.streamWindowBytes);
    session.destroy();
    while (echo.resets.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(servers[0]!.idle).to.equal(true);
  });

  it('as server: a drain loses no request', async () => {
    const session = http2.connect(`http://127.0.0.1:${listener.address.port}`);
    const answers: Promise<unknown>[] = [];
    const request = (): void => {
      const stream = session.request({ ':method': 'POST' });
      stream.resume();
      answers.push(once(stream, 'end').then(() => expect(stream.rstCode).to.equal(0)));
      stream.end('abc');
    };
    for (let i = 0; i < 50; i++) request();
    await once(session, 'remoteSettings');
    servers[0]!.drain();
    for (let i = 0; i < 50; i++) request();
    await once(session, 'close');
    await Promise.all(answers);
    expect(answers.length).to.equal(100);
  });

  it('as client: 16 MB there and back, with trailers, in bounded memory', async () => {
    node.on('stream', (stream: http2.ServerHttp2Stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.pipe(stream);
    });
    const client = await connect();
    const exchange = new Exchange(BODY_BYTES);
    exchange.begin(client);
    expect(await exchange.done).to.equal('trailers 0');
    expect(exchange.status).to.equal(200);
    expect(exchange.receivedBytes).to.equal(BODY_BYTES);
    expect(exchange.mostPending).to.be.at.most(PIECE.length);
    expect(client.openStreams).to.equal(0);
    client.connection.reset();
  });

  it('as client: does not take more than a window from a server that it does not listen to', async () => {
    let wrote = 0;
    node.on('stream', (stream: http2.ServerHttp2Stream) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200 });
      for (let i = 0; i < 64; i++) stream.write(PIECE, () => wrote++);
    });
    const client = await connect();
    const exchange = new Exchange(0);
    exchange.slow = true;
    const stream = exchange.begin(client);
    while (exchange.receivedBytes < HTTP2_LIMITS.streamWindowBytes)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(exchange.receivedBytes).to.equal(HTTP2_LIMITS.streamWindowBytes);
    stream.consumed();
    while (exchange.receivedBytes === HTTP2_LIMITS.streamWindowBytes)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(wrote).to.be.lessThan(64);
    client.connection.reset();
  });

  it('as client: GOAWAY lets what was accepted finish, and calls the rest unprocessed', async () => {
    const sessions: http2.ServerHttp2Session[] = [];
    node.on('session', (session) => sessions.push(session));
    node.on('stream', (stream: http2.ServerHttp2Stream) =>
      setTimeout(() => stream.respond({ ':status': 204 }, { endStream: true }), 30),
    );
    const client = await connect();
    const exchanges = Array.from({ length: 20 }, () => new Exchange(0));
    for (const exchange of exchanges) exchange.begin(client);
    await once(node, 'stream');
    sessions[0]!.close();
    const ends = await Promise.all(exchanges.map((exchange) => exchange.done));
    expect(ends.filter((end) => end !== 'end' && end !== 'reset 7 unprocessed')).to.deep.equal([]);
    expect(ends[0]).to.equal('end');
    expect(client.capacity).to.equal(0);
  });

  it('as client: a server that goes away ends its streams', async () => {
    node.on('stream', (stream: http2.ServerHttp2Stream) => stream.session?.destroy());
    const client = await connect();
    const exchange = new Exchange(0);
    exchange.begin(client);
    expect(await exchange.done).to.match(/^reset \d+$/);
  });
});
