import type { IncomingMessage, ServerResponse } from 'node:http';
import { LineSplitter } from '../../lib/lines.ts';
import type { Weather } from './weather.ts';

/** One watch on its way through a relay, line by line. */
export class WatchStream {
  readonly #upstream: IncomingMessage;
  readonly #answer: ServerResponse;
  readonly #weather: () => Weather;
  readonly #happens: (share: number) => boolean;
  #silent = false;

  constructor(
    upstream: IncomingMessage,
    answer: ServerResponse,
    weather: () => Weather,
    happens: (share: number) => boolean,
  ) {
    this.#upstream = upstream;
    this.#answer = answer;
    this.#weather = weather;
    this.#happens = happens;
    answer.writeHead(200, { 'content-type': 'application/json' });
    answer.flushHeaders();
    const lines = new LineSplitter();
    upstream.on('data', (chunk: Buffer) => lines.push(chunk, (line) => this.#pass(line)));
    upstream.on('error', () => this.#close());
    upstream.on('close', () => this.#close());
    answer.on('close', () => upstream.destroy());
  }

  /** Once silent, always: what was not carried is lost. */
  silence(): void {
    this.#silent = true;
  }

  /** The last that it says. */
  end(event: object): void {
    if (this.#silent) return;
    this.#answer.end(`${JSON.stringify(event)}\n`);
    this.#upstream.destroy();
  }

  #pass(line: string): void {
    const { duplicating, withoutBookmarks, cut } = this.#weather();
    if (this.#silent || this.#answer.destroyed) return;
    if (withoutBookmarks && line.startsWith('{"type":"BOOKMARK"')) return;
    if (this.#happens(cut)) {
      this.#answer.write(line.slice(0, line.length / 2), () => this.#answer.socket?.destroy());
      return;
    }
    this.#answer.write(`${line}\n`);
    if (duplicating) this.#answer.write(`${line}\n`);
  }

  #close(): void {
    if (this.#silent) return;
    if (this.#upstream.complete) this.#answer.end();
    else this.#answer.destroy();
  }
}
