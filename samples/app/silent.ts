import { connect, type Socket } from 'node:net';

/** Connections that are opened and say nothing; all of them are made anew every `renewMs`, whatever became of them. */
export class SilentConnections {
  readonly #target: { host: string; port: number };
  readonly #count: number;
  readonly #timer: NodeJS.Timeout;
  #sockets: Socket[] = [];
  #opened = 0;
  #ended = 0;

  constructor(options: { host: string; port: number; count: number; renewMs: number }) {
    this.#target = { host: options.host, port: options.port };
    this.#count = options.count;
    this.#renew();
    this.#timer = setInterval(() => this.#renew(), options.renewMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets = [];
  }

  /** `ended`: by the other side, while they were wanted. */
  report(): object {
    return {
      open: this.#sockets.filter(({ destroyed }) => !destroyed).length,
      opened: this.#opened,
      ended: this.#ended,
    };
  }

  #renew(): void {
    const old = this.#sockets;
    this.#sockets = Array.from({ length: this.#count }, () => this.#open());
    for (const socket of old) socket.destroy();
  }

  #open(): Socket {
    const socket = connect(this.#target);
    socket.on('connect', () => this.#opened++);
    socket.on('error', () => {});
    socket.on('end', () => this.#ended++);
    return socket;
  }
}
