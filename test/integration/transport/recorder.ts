import type {
  Connection,
  ConnectionError,
  ConnectionHandler,
  Handshake,
} from '../../../proxy-image/io/transport/types.ts';

/** Notes what happens to a connection; waits are bounded. */
export class Recorder implements ConnectionHandler {
  connection: Connection | null = null;
  events: string[] = [];
  received: Buffer[] = [];
  handshake: Handshake | null = null;
  error: ConnectionError | null = null;
  react: Partial<ConnectionHandler> = {};

  onConnect(connection: Connection): void {
    this.#note('connect', connection);
    this.react.onConnect?.(connection);
  }
  onSecure(connection: Connection, handshake: Handshake): void {
    this.#note('secure', connection);
    this.handshake = handshake;
    this.react.onSecure?.(connection, handshake);
  }
  onData(connection: Connection, chunk: Buffer): void {
    this.connection = connection;
    this.received.push(Buffer.from(chunk));
    if (this.events.at(-1) !== 'data') this.events.push('data');
    this.react.onData?.(connection, chunk);
  }
  onDrain(connection: Connection): void {
    this.react.onDrain?.(connection);
  }
  onEnd(connection: Connection): void {
    this.#note('end', connection);
    this.react.onEnd?.(connection);
  }
  onClose(connection: Connection, error: ConnectionError | null): void {
    this.#note('close', connection);
    this.error = error;
    this.react.onClose?.(connection, error);
  }
  #note(event: string, connection: Connection): void {
    this.connection = connection;
    this.events.push(event);
  }

  get text(): string {
    return Buffer.concat(this.received).toString('latin1');
  }

  get bytes(): number {
    return this.received.reduce((sum, chunk) => sum + chunk.length, 0);
  }
}

export async function until(condition: () => boolean, what: string, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
