import net from 'node:net';
import type { Address } from '../../../proxy-image/io/transport/types.ts';
import type { TestMesh } from './mesh.ts';

export interface FloodOptions {
  /** Connections that are held at a time. */
  count: number;
  /** Each is closed and opened anew after so long. */
  renewMs: number;
  /** Addresses that they come from, in turn. */
  sources?: readonly string[];
  /** Said at once on each, and then nothing more, or `drip` every `dripMs`. */
  text?: string;
  drip?: string;
  dripMs?: number;
}

/** Clients that connect and keep silent, or say too little; a tenth of them is renewed at a time, so that the flood never pauses. */
export class SilentFlood {
  /** How often each has been opened, all together. */
  opened = 0;
  readonly #to: Address;
  readonly #options: FloodOptions;
  readonly #sockets: (net.Socket | null)[];
  readonly #timers: NodeJS.Timeout[] = [];
  #next = 0;

  constructor(mesh: TestMesh, to: Address, options: FloodOptions) {
    this.#to = to;
    this.#options = options;
    this.#sockets = Array.from({ length: options.count }, () => null);
    const { renewMs, drip, dripMs = 100 } = options;
    this.#timers.push(setInterval(() => this.#renew(Math.ceil(options.count / 10)), renewMs / 10));
    if (drip !== undefined) this.#timers.push(setInterval(() => this.#drip(drip), dripMs));
    mesh.onStop(() => this.stop());
    this.#renew(options.count);
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket?.destroy();
  }

  #renew(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#sockets[this.#next]?.destroy();
      this.#sockets[this.#next] = this.#open();
      this.#next = (this.#next + 1) % this.#sockets.length;
    }
  }

  #open(): net.Socket {
    const { sources, text } = this.#options;
    const source = sources?.[this.opened % sources.length];
    this.opened++;
    const socket = net.connect({
      host: this.#to.ip,
      port: this.#to.port,
      ...(source === undefined ? {} : { localAddress: source }),
    });
    socket.on('error', () => {});
    if (text !== undefined) socket.write(text);
    return socket;
  }

  #drip(text: string): void {
    for (const socket of this.#sockets) if (socket !== null && !socket.destroyed) socket.write(text);
  }
}
