import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { ECHO_PATH, framed, messageOf, OK } from './grpc.ts';
import type { LoadOptions } from './load.ts';
import { Phases, record } from './phases.ts';
import { Schedule } from './schedule.ts';

const MESSAGE = Buffer.from('what the mesh carries');
/** Statuses that no server has sent. */
const NO_STATUS = -1;

/** Unary calls on a fixed schedule (open loop), all on one connection. */
export class GrpcLoad {
  phase: string;
  readonly #origin: string;
  readonly #timeoutMs: number;
  readonly #schedule: Schedule;
  readonly #phases = new Phases();
  #session: ClientHttp2Session | null = null;

  constructor(options: LoadOptions) {
    this.#origin = String(options.url).replace(/^grpc:/, 'http:');
    this.phase = String(options.phase ?? '');
    this.#timeoutMs = Number(options.timeoutMs ?? 10_000);
    this.#schedule = new Schedule(Number(options.rps ?? 200), () => this.#send());
  }

  /** Stops calling and waits until every call has an outcome, 15 s at most. */
  async stop(): Promise<void> {
    await this.#schedule.stop();
    this.#session?.destroy();
  }

  report(): object {
    return this.#phases.report();
  }

  /** A connection that takes no more calls is left to end by itself. */
  #connected(): ClientHttp2Session {
    if (this.#session === null || this.#session.closed || this.#session.destroyed) {
      this.#session = connect(this.#origin).on('error', () => {});
      this.#session.on('goaway', () => {
        this.#session = null;
      });
    }
    return this.#session;
  }

  #send(): void {
    const report = this.#phases.of(this.phase);
    const startedMs = performance.now();
    report.sent++;
    const stream = this.#connected().request({
      ':method': 'POST',
      ':path': ECHO_PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
      'x-phase': this.phase,
    });
    stream.setTimeout(this.#timeoutMs, () => stream.destroy(new Error('timeout')));
    const call = new Call(stream);
    stream.on('close', () => {
      this.#schedule.ended();
      const latencyMs = performance.now() - startedMs;
      const { status, error } = call.outcome();
      const { version, reason } = call;
      record(report, { status, failed: error !== '' || status !== OK, version, error, reason, latencyMs });
    });
    stream.end(framed(MESSAGE));
  }
}

/** What has been heard of one call. */
class Call {
  version = '';
  reason = '';
  #httpStatus = 0;
  #status = NO_STATUS;
  #error = '';
  readonly #chunks: Buffer[] = [];

  constructor(stream: ClientHttp2Stream) {
    stream.on('response', (headers) => this.#head(headers));
    stream.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    stream.on('trailers', (headers) => this.#fields(headers));
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error.code ?? error.message;
    });
  }

  #head(headers: IncomingHttpHeaders): void {
    this.#httpStatus = Number(headers[':status']);
    this.version = String(headers['x-version'] ?? '');
    this.#fields(headers);
  }

  #fields(headers: IncomingHttpHeaders): void {
    if (headers['grpc-status'] !== undefined) this.#status = Number(headers['grpc-status']);
    const reason = headers['l5d-proxy-error'];
    if (reason !== undefined) this.reason = String(reason);
  }

  outcome(): { status: number; error: string } {
    const error = this.#problem();
    return { status: this.#status, error };
  }

  #problem(): string {
    if (this.#error !== '') return this.#error;
    if (this.#httpStatus !== 200) return `HTTP status ${this.#httpStatus}`;
    if (this.#status === NO_STATUS) return 'no status';
    if (this.#status !== OK) return '';
    return messageOf(Buffer.concat(this.#chunks))?.equals(MESSAGE) === true ? '' : 'another message';
  }
}
