import { WeftError } from '../../contract/errors.ts';
import { encodeFrame, FrameReader } from '../../contract/framing.ts';
import type { Connection, ConnectionError, ConnectionHandler } from '../transport/types.ts';

/** Who speaks over a connection to the operator. */
export interface MessageHandler {
  /** One message, parsed, not checked. A throw ends the connection with that error. */
  onMessage(value: unknown): void;
  /** Last call, exactly once; also after our own `close`. `null` = ended in order. */
  onClosed(error: Error | null): void;
}

/** Framed JSON over an established TLS connection. Unsent bytes are kept here; how many is bounded by what its one user sends. */
export class MessageConnection implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #handler: MessageHandler;
  readonly #frames: FrameReader;
  readonly #unsent: Uint8Array[] = [];
  /** Bytes of the first unsent frame that are on their way. */
  #sentOfFirst = 0;
  /** The reason where it is ours and not the transport's. */
  #failure: Error | null = null;
  #closed = false;

  /** Takes over `connection`, whose handshake has been checked. */
  constructor(connection: Connection, handler: MessageHandler, maxMessageBytes: number) {
    this.#connection = connection;
    this.#handler = handler;
    this.#frames = new FrameReader(maxMessageBytes);
    connection.handler = this;
  }

  send(message: object): void {
    if (this.#closed) return;
    this.#unsent.push(encodeFrame(message));
    this.#flush();
  }

  /** Ends the connection; nothing more is delivered. `onClosed` follows, not within the call. */
  close(failure: Error | null = null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure = failure;
    this.#connection.close();
  }

  onConnect(): void {}
  onSecure(): void {}

  onData(_connection: Connection, chunk: Uint8Array): void {
    if (this.#closed) return;
    try {
      for (const message of this.#frames.push(chunk)) {
        if (!this.#closed) this.#handler.onMessage(message);
      }
    } catch (error) {
      this.close(error instanceof Error ? error : new WeftError('WEFT_CONTROL_PROTOCOL', String(error)));
    }
  }

  onDrain(): void {
    this.#flush();
  }

  onEnd(): void {
    this.close(this.#frames.idle ? null : new WeftError('WEFT_CONTROL_CONNECT', 'ended inside a message'));
  }

  onClose(_connection: Connection, error: ConnectionError | null): void {
    this.#closed = true;
    this.#handler.onClosed(this.#failure ?? (error === null ? null : connectFailure(error)));
  }

  #flush(): void {
    for (let frame = this.#unsent[0]; frame !== undefined; frame = this.#unsent[0]) {
      this.#sentOfFirst += this.#connection.write(frame, this.#sentOfFirst, frame.length - this.#sentOfFirst);
      if (this.#sentOfFirst < frame.length) return;
      this.#unsent.shift();
      this.#sentOfFirst = 0;
    }
  }
}

export function connectFailure(error: ConnectionError): WeftError {
  return new WeftError('WEFT_CONTROL_CONNECT', `${error.kind}: ${error.detail}`);
}
