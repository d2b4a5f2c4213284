import { connect, createServer, type Server, type Socket } from 'node:net';

const POLL_MS = 1;
const CONNECTIONS = 4;
/** A change that has no effect for so long is lost. */
const LOST_MS = 10_000;
/** Asked on for so long after a change has taken effect. */
const AFTER_MS = 20;

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
  askedMs: number;
}

/** What came of all that was asked. */
export interface Answers {
  /** With status 200. */
  good: number;
  /** With any other, or cut off. */
  bad: number;
  /** 200, by the rule of before, to what was asked after the first answer by the new one. */
  stale: number;
}

/** Asks for the same thing every millisecond, over a few connections that stay open, and tells which backend answered. */
export class Prober {
  readonly answers: Answers = { good: 0, bad: 0, stale: 0 };
  readonly #host: string;
  readonly #port: number;
  readonly #request: string;
  readonly #lines: Line[] = [];
  #answered: (body: string, askedMs: number) => void = () => {};
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
   * Polls until `body` is the answer, and for a moment longer. Returns when that answer arrived (`performance.now()`).
   * @throws when the proxy closes a connection, or the change has no effect
   */
  until(body: string): Promise<number> {
    const startMs = performance.now();
    let effectMs = 0;
    let polls = 0;
    return new Promise((resolve, reject) => {
      this.#answered = (answer, askedMs) => {
        const nowMs = performance.now();
        if (answer !== body) {
          if (effectMs > 0 && askedMs > effectMs) this.answers.stale += 1;
        } else if (effectMs === 0) {
          effectMs = nowMs;
          resolve(nowMs);
        }
      };
      const poll = () => {
        const nowMs = performance.now();
        if (effectMs > 0 && nowMs - effectMs > AFTER_MS) return;
        if (this.#failure !== '' || nowMs - startMs > LOST_MS) {
          reject(new Error(this.#failure || `no answer ${JSON.stringify(body)} within ${LOST_MS} ms`));
          return;
        }
        this.#ask(nowMs);
        polls += 1;
        // On a grid: a late timer does not make all later polls late.
        setTimeout(poll, Math.max(0, startMs + polls * POLL_MS - nowMs));
      };
      poll();
    });
  }

  close(): void {
    for (const { socket } of this.#lines) socket.removeAllListeners('close').destroy();
  }

  #ask(nowMs: number): void {
    const line = this.#lines.find(({ busy }) => !busy);
    if (line === undefined) return;
    line.busy = true;
    line.askedMs = nowMs;
    line.socket.write(this.#request);
  }

  #connect(): Promise<Line> {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    const line: Line = { socket, busy: false, askedMs: 0 };
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
    if (!text.startsWith('HTTP/1.1 200 ')) {
      this.answers.bad += 1;
      return;
    }
    this.answers.good += 1;
    this.#answered(text.slice(text.indexOf('\r\n\r\n') + 4), line.askedMs);
  }

  #fail(reason: string): void {
    if (this.#failure === '') this.#failure = reason;
  }
}
