import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const [BINARY, CLOSE] = [2, 8];

/** The server's end of a WebSocket (RFC 6455) as far as `pods/portforward` needs one: unfragmented binary messages, and the end. */
export class ServerWebSocket {
  readonly #socket: Duplex;
  #rest: Buffer = Buffer.alloc(0);
  onMessage: (message: Buffer) => void = () => {};
  onClose: () => void = () => {};

  constructor(request: IncomingMessage, socket: Duplex, protocol: string) {
    this.#socket = socket;
    const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${key}\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
    );
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => this.onClose());
  }

  send(message: Buffer): void {
    if (this.#socket.writable) this.#socket.write(Buffer.concat([header(BINARY, message.length), message]));
  }

  close(): void {
    if (this.#socket.writable) this.#socket.end(header(CLOSE, 0));
  }

  /** Frames of clients are masked (§5.3). */
  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const frame = this.#rest;
      if (frame.length < 2) return;
      const short = frame[1]! & 0x7f;
      const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
      const start = 2 + lengthBytes + 4;
      if (frame.length < start) return;
      const length =
        lengthBytes === 0 ? short : lengthBytes === 2 ? frame.readUInt16BE(2) : Number(frame.readBigUInt64BE(2));
      if (frame.length < start + length) return;
      const mask = frame.subarray(start - 4, start);
      const payload = Buffer.from(frame.subarray(start, start + length).map((byte, at) => byte ^ mask[at % 4]!));
      this.#rest = frame.subarray(start + length);
      const opcode = frame[0]! & 0x0f;
      if (opcode === BINARY) this.onMessage(payload);
      if (opcode === CLOSE) this.close();
    }
  }
}

function header(opcode: number, length: number): Buffer {
  const first = 0x80 | opcode;
  if (length < 126) return Buffer.from([first, length]);
  if (length < 65_536) return Buffer.from([first, 126, length >> 8, length & 0xff]);
  const long = Buffer.alloc(10);
  long[0] = first;
  long[1] = 127;
  long.writeBigUInt64BE(BigInt(length), 2);
  return long;
}
