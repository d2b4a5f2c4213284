import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { type Fields, fieldsOf } from './transcript.ts';

export interface Handlers {
  unary: handleUnaryCall<Buffer, Buffer>;
  clientStream: handleClientStreamingCall<Buffer, Buffer>;
  serverStream: handleServerStreamingCall<Buffer, Buffer>;
  bidi: handleBidiStreamingCall<Buffer, Buffer>;
}

export const SERVICE = '/weft.test.Scenario';

const same = (bytes: Buffer): Buffer => bytes;

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path: `${SERVICE}/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

export const METHODS = {
  unary: method('Unary', false, false),
  clientStream: method('ClientStream', true, false),
  serverStream: method('ServerStream', false, true),
  bidi: method('Bidi', true, true),
};

/** What calls of every kind have. */
type AnyCall = Pick<ServerUnaryCall<Buffer, Buffer>, 'getDeadline' | 'getHost' | 'getPath' | 'metadata'> & {
  on(event: 'cancelled', listener: () => void): unknown;
};

/** What the server saw of a call. */
export interface Served {
  path: string;
  host: string;
  metadata: Fields;
  hasDeadline: boolean;
}

/** Messages of 16 MiB are more than a channel takes by default. */
export const NO_MESSAGE_LIMIT = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

/** A gRPC server whose behaviour is set by each scenario. */
export class Application {
  handlers: Partial<Handlers> = {};
  served: Served[] = [];
  /** Calls that the server was told are cancelled; a call that has had its status counts as well. */
  cancelled = 0;
  port = 0;
  readonly #server = new Server(NO_MESSAGE_LIMIT);

  async start(): Promise<this> {
    this.#server.addService(METHODS, {
      unary: ((call, callback) => this.#noted('unary', call)(call, callback)) as Handlers['unary'],
      clientStream: ((call, callback) => this.#noted('clientStream', call)(call, callback)) as Handlers['clientStream'],
      serverStream: ((call) => this.#noted('serverStream', call)(call)) as Handlers['serverStream'],
      bidi: ((call) => this.#noted('bidi', call)(call)) as Handlers['bidi'],
    });
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return this;
  }

  #noted<K extends keyof Handlers>(kind: K, call: AnyCall): Handlers[K] {
    const hasDeadline = Number.isFinite(Number(call.getDeadline()));
    const { metadata } = call;
    this.served.push({ path: call.getPath(), host: call.getHost(), metadata: fieldsOf(metadata), hasDeadline });
    call.on('cancelled', () => {
      this.cancelled++;
    });
    const handler = this.handlers[kind];
    if (handler === undefined) throw new Error(`the scenario has no ${kind} handler`);
    return handler;
  }

  use(handlers: Partial<Handlers>): void {
    this.handlers = handlers;
    this.served = [];
    this.cancelled = 0;
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}
