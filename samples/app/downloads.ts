import { Agent, get } from 'node:http';

export interface DownloadsOptions {
  url: string;
  count: number;
  /** Of each reader. */
  bytesPerSecond: number;
}

const TICK_MS = 100;

interface Tally {
  started: number;
  complete: number;
  failed: number;
  bytes: number;
  /** The first few. */
  examples: string[];
}

const MAX_EXAMPLES = 8;

/** So many downloads begun at once, each on a connection of its own and read slowly. */
export class Downloads {
  readonly #options: DownloadsOptions;
  readonly #agent = new Agent({ keepAlive: false });
  readonly #tally: Tally = { started: 0, complete: 0, failed: 0, bytes: 0, examples: [] };

  constructor(options: DownloadsOptions) {
    this.#options = options;
    for (let i = 0; i < options.count; i++) this.#start();
  }

  report(): object {
    return this.#tally;
  }

  stop(): void {
    this.#agent.destroy();
  }

  #start(): void {
    const { url, bytesPerSecond } = this.#options;
    const tally = this.#tally;
    tally.started++;
    let over = false;
    const finish = (failure: string): void => {
      if (over) return;
      over = true;
      if (failure === '') tally.complete++;
      else {
        tally.failed++;
        if (tally.examples.length < MAX_EXAMPLES) tally.examples.push(failure);
      }
    };
    const startedMs = performance.now();
    const outgoing = get(url, { agent: this.#agent }, (response) => {
      let read = 0;
      const expected = Number(response.headers['content-length'] ?? -1);
      response.on('data', (chunk: Buffer) => {
        read += chunk.length;
        tally.bytes += chunk.length;
        // Reads no further than its rate allows.
        const aheadMs = (read / bytesPerSecond) * 1000 - (performance.now() - startedMs);
        if (aheadMs < TICK_MS) return;
        response.pause();
        setTimeout(() => response.resume(), aheadMs);
      });
      response.on('end', () => {
        const reason = String(response.headers['l5d-proxy-error'] ?? '');
        if (response.statusCode !== 200) finish(`${response.statusCode} ${reason}`);
        else finish(read === expected ? '' : `${read} bytes of ${expected}`);
      });
      response.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  }
}
