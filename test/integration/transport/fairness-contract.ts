import { expect } from 'chai';
import type { Connection, ConnectionHandler, Listener, Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from './recorder.ts';

const STREAMS = 150;
const STREAM_BYTES = 1024 * 1024;

class Quiet implements ConnectionHandler {
  onConnect(_: Connection): void {}
  onSecure(): void {}
  onData(_: Connection, __: Buffer): void {}
  onDrain(_: Connection): void {}
  onEnd(_: Connection): void {}
  onClose(): void {}
}

/** Sends its bytes, numbered, as they are taken. */
class Source extends Quiet {
  sent = 0;
  readonly #block = Buffer.alloc(STREAM_BYTES);

  constructor(first: number) {
    super();
    for (let i = 0; i < STREAM_BYTES; i++) this.#block[i] = (first + i) % 251;
  }

  override onConnect(connection: Connection): void {
    this.onDrain(connection);
  }

  override onDrain(connection: Connection): void {
    for (let taken = 1; taken > 0 && this.sent < STREAM_BYTES; this.sent += taken)
      taken = connection.write(this.#block, this.sent, Math.min(65_536, STREAM_BYTES - this.sent));
    if (this.sent === STREAM_BYTES) connection.end();
  }
}

/** Reads nothing until it may, then counts, and knows whether each byte is the one that follows. */
class Sink extends Quiet {
  received = 0;
  wrong = 0;
  ended = false;
  #next = -1;

  override onData(_: Connection, chunk: Buffer): void {
    if (this.#next === -1) this.#next = chunk[0]!;
    for (const byte of chunk) {
      if (byte !== this.#next) this.wrong++;
      this.#next = (this.#next + 1) % 251;
    }
    this.received += chunk.length;
  }

  override onEnd(connection: Connection): void {
    this.ended = true;
    connection.close();
  }
}

/** Answers what it reads with the same. */
class Echo extends Quiet {
  override onData(connection: Connection, chunk: Buffer): void {
    connection.write(chunk, 0, chunk.length);
  }
}

class Question extends Quiet {
  answered = false;
  readonly #answered: () => void;

  constructor(answered: () => void) {
    super();
    this.#answered = answered;
  }

  override onData(): void {
    this.answered = true;
    this.#answered();
  }
}

/** What small exchanges may expect beside large ones. */
export function fairnessContract(transportOf: () => Transport): void {
  describe('fairness', () => {
    const listeners: Listener[] = [];
    const connections: Connection[] = [];
    const sinks: Sink[] = [];

    afterEach(() => {
      for (const listener of listeners.splice(0)) listener.stop();
      for (const connection of connections.splice(0)) connection.reset();
      sinks.length = 0;
    });

    async function listen(handlerOf: (connection: Connection) => ConnectionHandler): Promise<Listener> {
      const accept = (connection: Connection) => {
        connections.push(connection);
        return handlerOf(connection);
      };
      const listener = await transportOf().listen({ ip: '127.0.0.1', port: 0 }, { accept });
      listeners.push(listener);
      return listener;
    }

    /** Streams that all have bytes to be read, and none is read yet. */
    async function fullStreams(): Promise<void> {
      const accepted: Connection[] = [];
      const { address } = await listen((connection) => {
        accepted.push(connection);
        connection.pause();
        const sink = new Sink();
        sinks.push(sink);
        return sink;
      });
      const sources = Array.from({ length: STREAMS }, (_, i) => new Source(i));
      for (const source of sources) connections.push(transportOf().connect(address, source));
      await until(() => accepted.length === STREAMS && sources.every(({ sent }) => sent > 65_536), 'full streams');
      for (const connection of accepted) connection.resume();
    }

    const received = (): number => sinks.reduce((sum, sink) => sum + sink.received, 0);

    it('an exchange of a few bytes does not wait until every large stream has been read', async () => {
      const { address } = await listen(() => new Echo());
      let readMeanwhile = -1;
      const question = new Question(() => {
        readMeanwhile = received();
      });
      const asking = transportOf().connect(address, question);
      connections.push(asking);
      await until(() => connections.length === 2, 'the connection');
      await fullStreams();
      asking.write(Buffer.from('?'), 0, 1);
      await until(() => question.answered, 'the answer');
      // What was ready when it was asked is read once; then it is its turn.
      expect(readMeanwhile).to.be.lessThan((STREAMS * STREAM_BYTES) / 6);
    });

    it('every stream arrives whole and in order however many there are', async () => {
      await fullStreams();
      await until(() => sinks.every(({ ended }) => ended), 'all streams', 30_000);
      expect(received()).to.equal(STREAMS * STREAM_BYTES);
      expect(sinks.filter(({ wrong }) => wrong > 0)).to.deep.equal([]);
    });
  });
}
