import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  Metadata,
  type StatusObject,
} from '@grpc/grpc-js';
import { METHODS, NO_MESSAGE_LIMIT } from './application.ts';
import { digest, type Ending, endingOf, type Fields, fieldsOf } from './transcript.ts';

/** What a client saw of a call. */
export interface Seen {
  initial: Fields | null;
  messages: string[];
  ending: Ending;
}

export interface Call<T> {
  call: T;
  seen: Promise<Seen>;
}

export type Bidi = ClientDuplexStream<Buffer, Buffer>;

const { unary, clientStream, serverStream, bidi } = METHODS;

/** The channel that a scenario calls through; the authority does not tell through which port. */
export class Caller {
  readonly client: Client;

  constructor(port: number, options: ClientOptions = {}) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      ...NO_MESSAGE_LIMIT,
      'grpc.default_authority': 'web.shop.svc.cluster.local:80',
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
  }

  unary(message: Buffer, metadata = new Metadata(), options: CallOptions = {}): Call<ClientUnaryCall> {
    const answer = newAnswer();
    const { requestSerialize, responseDeserialize, path } = unary;
    const call = this.client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      metadata,
      options,
      answer.callback,
    );
    return { call, seen: watch(call, answer) };
  }

  clientStream(metadata = new Metadata(), options: CallOptions = {}): Call<ClientWritableStream<Buffer>> {
    const answer = newAnswer();
    const { requestSerialize, responseDeserialize, path } = clientStream;
    const call = this.client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      options,
      answer.callback,
    );
    return { call, seen: watch(call, answer) };
  }

  serverStream(
    message: Buffer,
    metadata = new Metadata(),
    options: CallOptions = {},
  ): Call<ClientReadableStream<Buffer>> {
    const { requestSerialize, responseDeserialize, path } = serverStream;
    const call = this.client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      metadata,
      options,
    );
    return { call, seen: watchStream(call) };
  }

  bidi(metadata = new Metadata(), options: CallOptions = {}): Call<Bidi> {
    const { requestSerialize, responseDeserialize, path } = bidi;
    const call = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options);
    return { call, seen: watchStream(call) };
  }

  close(): void {
    this.client.close();
  }
}

interface Answer {
  messages: string[];
  done: Promise<void>;
  callback: (error: Error | null, message?: Buffer) => void;
}

function newAnswer(): Answer {
  const messages: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const callback = (_: Error | null, message?: Buffer): void => {
    if (message !== undefined) messages.push(digest(message));
    resolve();
  };
  return { messages, done: promise, callback };
}

async function watch(call: ClientUnaryCall, answer: Answer): Promise<Seen> {
  const noted = note(call);
  const ending = await noted.ending;
  await answer.done;
  return { initial: noted.initial, messages: answer.messages, ending };
}

async function watchStream(call: ClientReadableStream<Buffer>): Promise<Seen> {
  const noted = note(call);
  const messages: string[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  call.on('data', (message: Buffer) => messages.push(digest(message)));
  call.on('end', resolve);
  // The status says all that the error says.
  call.on('error', () => {});
  const ending = await noted.ending;
  await ended;
  return { initial: noted.initial, messages, ending };
}

function note(call: ClientUnaryCall | ClientReadableStream<Buffer>): {
  initial: Fields | null;
  ending: Promise<Ending>;
} {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const noted = { initial: null as Fields | null, ending: promise };
  call.on('metadata', (metadata: Metadata) => {
    noted.initial = fieldsOf(metadata);
  });
  call.on('status', (status: StatusObject) => resolve(endingOf(status)));
  return noted;
}
