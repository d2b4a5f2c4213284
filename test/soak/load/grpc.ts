import * as grpc from '@grpc/grpc-js';
import { ECHO } from '../grpc-service.ts';
import { type Load, type LoadContext, REQUEST_TIMEOUT_MS, Repeating, reasonOf } from './load.ts';

/** 60 unary calls a second, and four streams with 30 messages a second each, opened anew after half a minute. */
const UNARY_MS = 17;
const STREAMS = 4;
const MESSAGE_MS = 33;
const STREAM_LIFE_MS = 30_000;

interface EchoClient extends grpc.Client {
  unary(message: Buffer, options: grpc.CallOptions, done: grpc.requestCallback<Buffer>): grpc.ClientUnaryCall;
  stream(): grpc.ClientDuplexStream<Buffer, Buffer>;
}

export function startGrpc({ targets, tally }: LoadContext): Load {
  const Client = grpc.makeGenericClientConstructor(ECHO, 'Echo');
  const { host, port } = targets.grpc;
  const client = new Client(`${host}:${port}`, grpc.credentials.createInsecure()) as unknown as EchoClient;
  let count = 0;
  const unary = new Repeating(UNARY_MS, async () => {
    const problem = await call(client, Buffer.alloc(1 + (count++ % 4000), 'g')).catch(reasonOf);
    if (problem === null) tally.ok('grpc unary');
    else tally.fail('grpc unary', problem);
  });
  const streams = Array.from({ length: STREAMS }, () => new Streams(client, tally));
  return {
    async stop() {
      await unary.stop();
      await Promise.all(streams.map((stream) => stream.stop()));
      client.close();
    },
  };
}

function call(client: EchoClient, message: Buffer): Promise<string | null> {
  return new Promise((resolve, reject) => {
    client.unary(message, { deadline: Date.now() + REQUEST_TIMEOUT_MS }, (error, answer) => {
      if (error !== null) reject(error);
      else resolve(answer?.equals(message) === true ? null : 'another message came back');
    });
  });
}

/** One stream after another, each with a message at a time. */
class Streams implements Load {
  readonly #client: EchoClient;
  readonly #tally: LoadContext['tally'];
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(client: EchoClient, tally: LoadContext['tally']) {
    this.#client = client;
    this.#tally = tally;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const problem = await this.#oneStream();
      if (problem !== null) this.#tally.fail('grpc stream', problem);
    }
  }

  #oneStream(): Promise<string | null> {
    const stream = this.#client.stream();
    const endMs = performance.now() + STREAM_LIFE_MS;
    return new Promise((resolve) => {
      let timer = setTimeout(() => stream.cancel(), REQUEST_TIMEOUT_MS);
      stream.on('data', (message: Buffer) => {
        clearTimeout(timer);
        if (message.toString() === 'message') this.#tally.ok('grpc stream');
        else this.#tally.fail('grpc stream', 'another message came back');
        setTimeout(() => {
          timer = setTimeout(() => stream.cancel(), REQUEST_TIMEOUT_MS);
          if (this.#stopped || performance.now() > endMs) stream.end();
          else stream.write(Buffer.from('message'));
        }, MESSAGE_MS);
      });
      stream.on('error', () => {});
      stream.on('status', ({ code, details }) => {
        clearTimeout(timer);
        resolve(code === grpc.status.OK ? null : `status ${code}: ${details}`);
      });
      stream.write(Buffer.from('message'));
    });
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#done;
  }
}
