import { connect, type Socket } from 'node:net';

export interface DownloadOptions {
  port: number;
  /** Of the whole answer. */
  bytes: number;
  /** Once it may leave, the reader leaves after so many. */
  enoughBytes: number;
  /** How fast it reads. */
  bytesPerMs: number;
}

export interface DownloadResult {
  /** `enough`, or what went wrong. */
  ending: string;
  firstByteMs: number;
}

/** One slow reader of one large answer, on a connection of its own. */
export class Download {
  readonly result: Promise<DownloadResult>;
  /** Its answer has begun, or it has ended. */
  readonly begun: Promise<void>;
  readonly #options: DownloadOptions;
  readonly #socket: Socket;
  readonly #startedMs = performance.now();
  #head = '';
  #firstByteMs = Number.POSITIVE_INFINITY;
  #received = 0;
  #mayLeave = false;
  #resolve: (result: DownloadResult) => void = () => {};
  #begin: () => void = () => {};

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.begun = new Promise((resolve) => {
      this.#begin = resolve;
    });
    const socket = connect(options.port, '127.0.0.1');
    this.#socket = socket;
    socket.write(`GET /${options.bytes} HTTP/1.1\r\nHost: web\r\n\r\n`);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end(`closed after ${this.#received} bytes`));
  }

  mayLeave(): void {
    this.#mayLeave = true;
  }

  #read(chunk: Buffer): void {
    if (this.#received === 0) this.#firstByteMs = performance.now() - this.#startedMs;
    this.#received += chunk.length;
    if (this.#head.length < 12) {
      this.#head += chunk.subarray(0, 400).toString('latin1');
      if (this.#head.length >= 12 && this.#head.slice(9, 12) !== '200') this.#end(this.#head);
    }
    this.#begin();
    const { bytes, enoughBytes } = this.#options;
    if (this.#received >= (this.#mayLeave ? enoughBytes : bytes)) this.#end('enough');
    this.#socket.pause();
    setTimeout(() => this.#socket.resume(), chunk.length / this.#options.bytesPerMs);
  }

  #end(ending: string): void {
    this.#begin();
    this.#resolve({ ending, firstByteMs: this.#firstByteMs });
    this.#socket.destroy();
  }
}
