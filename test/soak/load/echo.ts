import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Kind, Tally } from '../tally.ts';
import { type Load, type LoadContext, REQUEST_TIMEOUT_MS, reasonOf, type Target } from './load.ts';

/** Four WebSockets and four TCP connections: 15 echoes a second each, opened anew after twenty seconds. */
const CONNECTIONS = 4;
const PAUSE_MS = 67;
const LIFE_MS = 20_000;
/** After a failure: what refuses at once must not be asked as fast as it can. */
const RETRY_MS = 500;
const TCP_BYTES = 16 * 1024;
const WEBSOCKET_BYTES = 500;

export function startWebSockets({ targets, tally }: LoadContext): Load {
  return together(() => new Echoes(targets.http, 'websocket', tally));
}

export function startTcp({ targets, tally }: LoadContext): Load {
  return together(() => new Echoes(targets.tcp, 'tcp', tally));
}

function together(create: () => Load): Load {
  const loads = Array.from({ length: CONNECTIONS }, create);
  return {
    async stop() {
      await Promise.all(loads.map((load) => load.stop()));
    },
  };
}

/** One connection after another, each with an echo at a time. */
class Echoes implements Load {
  readonly #target: Target;
  readonly #kind: Kind;
  readonly #tally: Tally;
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(target: Target, kind: Kind, tally: Tally) {
    this.#target = target;
    this.#kind = kind;
    this.#tally = tally;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const socket = connect(this.#target);
      await this.#useConnection(new Conversation(socket)).catch((error) => this.#failed(error));
      socket.destroy();
    }
  }

  async #failed(error: unknown): Promise<void> {
    this.#tally.fail(this.#kind, reasonOf(error));
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }

  async #useConnection(conversation: Conversation): Promise<void> {
    const endMs = performance.now() + LIFE_MS;
    if (this.#kind === 'websocket') await handshake(conversation);
    const message = this.#kind === 'websocket' ? frame(WEBSOCKET_BYTES) : randomBytes(TCP_BYTES);
    while (!this.#stopped && performance.now() < endMs) {
      const back = await conversation.ask(message, (heard) => heard.length >= message.length);
      if (!back.equals(message)) throw new Error('something else came back');
      this.#tally.ok(this.#kind);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    await conversation.end();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#done;
  }
}

/** Says something and waits for what comes back. */
class Conversation {
  readonly #socket: Socket;
  #heard: Buffer[] = [];
  #failure: Error | null = null;
  #changed: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#heard.push(chunk);
      this.#changed();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => this.#fail(new Error('the other side ended the connection')));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#changed();
  }

  ask(message: Buffer | string, isComplete: (heard: Buffer) => boolean): Promise<Buffer> {
    this.#heard = [];
    this.#socket.write(message);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer in time')), REQUEST_TIMEOUT_MS);
      this.#changed = () => {
        const heard = Buffer.concat(this.#heard);
        if (isComplete(heard)) resolve(heard);
        else if (this.#failure !== null) reject(this.#failure);
        else return;
        clearTimeout(timer);
        this.#changed = () => {};
      };
      this.#changed();
    });
  }

  /** Our FIN goes through to the application, and its own comes back. */
  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no FIN came back')), REQUEST_TIMEOUT_MS);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.end();
    });
  }
}

async function handshake(conversation: Conversation): Promise<void> {
  const key = randomBytes(16).toString('base64');
  const request = `GET /ws HTTP/1.1\r\nhost: http\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`;
  const head = (await conversation.ask(request, (heard) => heard.includes('\r\n\r\n'))).toString('latin1');
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`no upgrade: ${head.split('\r\n')[0]}`);
}

/** A masked binary frame (RFC 6455 section 5.2); the application sends it back as it is. */
function frame(bytes: number): Buffer {
  return Buffer.concat([Buffer.from([0x82, 0x80 | 126, bytes >> 8, bytes & 255]), randomBytes(4), randomBytes(bytes)]);
}
