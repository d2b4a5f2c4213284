/**
 * Sends requests at a fixed rate and measures each from the moment when it *should* have been sent: a request that has to wait because the
 * one before it on its connection is late counts the wait (no coordinated omission). Runs as a process of its own; argument and answer are JSON.
 */
import { connect, type Socket } from 'node:net';
import { quantile } from '../figures.ts';
import type { FixedRateAnswer, FixedRateRequest } from './fixed-rate-types.ts';

const DRAIN_MS = 2_000;

class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #answered: (intendedMs: number) => void;
  /** When the requests that wait here should have been sent; the first is the one in flight while `#busy`. */
  readonly #intended: number[] = [];
  #busy = false;
  #head = '';
  #bodyBytes = 0;
  failure = '';

  constructor(url: URL, request: Buffer, answered: (intendedMs: number) => void) {
    this.#request = request;
    this.#answered = answered;
    this.#socket = connect({ host: url.hostname, port: Number(url.port || 80), noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('closed'));
  }

  get pending(): number {
    return this.#intended.length;
  }

  send(intendedMs: number): void {
    this.#intended.push(intendedMs);
    if (!this.#busy) this.#write();
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy();
  }

  #write(): void {
    this.#busy = true;
    this.#socket.write(this.#request);
  }

  #take(chunk: Buffer): void {
    if (this.#bodyBytes > 0) {
      this.#bodyBytes -= chunk.length;
    } else {
      this.#head += chunk.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head.slice(0, end + 2))?.[1];
      if (!this.#head.startsWith('HTTP/1.1 200 ') || length === undefined) {
        this.#fail(`answered ${this.#head.slice(0, end)}`);
        return;
      }
      this.#bodyBytes = Number(length) - (this.#head.length - end - 4);
      this.#head = '';
    }
    if (this.#bodyBytes < 0) this.#fail('more bytes than the answer has');
    else if (this.#bodyBytes === 0) this.#finish();
  }

  #finish(): void {
    this.#busy = false;
    this.#answered(this.#intended.shift()!);
    if (this.#intended.length > 0) this.#write();
  }

  #fail(reason: string): void {
    if (this.failure === '') this.failure = reason;
    this.#socket.destroy();
  }
}

/** Calls `due(now)` until it says that it is done: as often as possible, or about every millisecond. */
function pace(precise: boolean, due: (nowMs: number) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const step = () => {
      if (due(performance.now())) return resolve();
      if (precise) setImmediate(step);
      else setTimeout(step, 1);
    };
    step();
  });
}

async function run(request: FixedRateRequest): Promise<FixedRateAnswer> {
  const url = new URL(request.url);
  const bytes = Buffer.from(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: bench\r\n\r\n`);
  const latencies: number[] = [];
  let answers = 0;
  let measureFromMs = Number.POSITIVE_INFINITY;
  const answered = (intendedMs: number) => {
    answers += 1;
    if (intendedMs >= measureFromMs) latencies.push(performance.now() - intendedMs);
  };
  const connections = Array.from({ length: request.connections }, () => new Connection(url, bytes, answered));
  const startMs = performance.now() + 100;
  measureFromMs = startMs + request.warmUpMs;
  const intervalMs = 1000 / request.rate;
  const total = Math.round((request.warmUpMs + request.durationMs) / intervalMs);
  let sent = 0;
  await pace(request.precise, (nowMs) => {
    for (; sent < total && startMs + sent * intervalMs <= nowMs; sent++) {
      connections[sent % connections.length]!.send(startMs + sent * intervalMs);
    }
    return sent === total || connections.some(({ failure }) => failure !== '');
  });
  const deadlineMs = performance.now() + DRAIN_MS;
  await pace(false, (nowMs) => answers === total || nowMs > deadlineMs);
  const failures = connections.map(({ failure }) => failure).filter((failure) => failure !== '');
  for (const connection of connections) connection.close();
  latencies.sort((a, b) => a - b);
  return {
    sent,
    answers,
    failure: failures[0] ?? '',
    p50: quantile(latencies, 0.5),
    p90: quantile(latencies, 0.9),
    p99: quantile(latencies, 0.99),
    max: latencies.at(-1) ?? Number.NaN,
  };
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}') as FixedRateRequest)));
