import { connect, createServer, type Server, type Socket } from 'node:net';

const POLL_MS = 1;
const CONNECTIONS = 4;
/** A change that has no effect for so long is lost. */
const LOST_MS = 10_000;

/** Answers every request with its own name. */
export function startNamedBackend(host: string, port: number, name: string): Promise<Server> {
  const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${name.length}\r\n\r\n${name}`;
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    // One request at a time on a connection, and small: it comes in one piece.
    socket.on('data', () => socket.write(answer));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

interface Line {
  socket: Socket;
  busy: boolean;
}

/** Asks for the same thing every millisecond, over a few connections that stay open, and tells which backend answered. */
export class Prober {
  readonly #host: string;
  readonly #port: number;
  readonly #request: string;
  readonly #lines: Line[] = [];
  #answered: (body: string) => void = () => {};
  #failure = '';

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#request = `GET / HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`;
  }

  async open(): Promise<void> {
    for (let index = 0; index < CONNECTIONS; index++) this.#lines.push(await this.#connect());
  }

  /**
   * Polls until `body` is the answer. Returns when that answer arrived (`performance.now()`).
   * @throws when the proxy closes a connection or answers an error, or the change has no effect
   */
  until(body: string): Promise<number> {
    const startMs = performance.now();
    let polls = 0;
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#answered = () => {};
      };
      this.#answered = (answer) => {
        if (answer !== body) return;
        const nowMs = performance.now();
        end();
        resolve(nowMs);
      };
      const poll = () => {
        this.#ask();
        polls += 1;
        const nowMs = performance.now();
        if (this.#failure !== '' || nowMs - startMs > LOST_MS) {
          end();
          return reject(new Error(this.#failure || `no answer ${JSON.stringify(body)} within ${LOST_MS} ms`));
        }
        // On a grid: a late timer does not make all later polls late.
        timer = setTimeout(poll, Math.max(0, startMs + polls * POLL_MS - nowMs));
      };
      let timer: NodeJS.Timeout | undefined;
      poll();
    });
  }

  close(): void {
    for (const { socket } of this.#lines) socket.removeAllListeners('close').destroy();
  }

  #ask(): void {
    const line = this.#lines.find(({ busy }) => !busy);
    if (line === undefined) return;
    line.busy = true;
    line.socket.write(this.#request);
  }

  #connect(): Promise<Line> {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    const line: Line = { socket, busy: false };
    socket.on('data', (chunk: Buffer) => this.#take(line, chunk.toString('latin1')));
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.on('close', () => this.#fail('the proxy closed a connection'));
        resolve(line);
      });
    });
  }

  /** Answers are small: each comes in one piece. */
  #take(line: Line, text: string): void {
    line.busy = false;
    if (!text.startsWith('HTTP/1.1 200 ')) this.#fail(`the proxy answered ${text.slice(0, 200)}`);
    this.#answered(text.slice(text.indexOf('\r\n\r\n') + 4));
  }

  #fail(reason: string): void {
    if (this.#failure === '') this.#failure = reason;
  }
}
