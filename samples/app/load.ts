import { Agent, request } from 'node:http';
import { Phases, record } from './phases.ts';
import { Schedule } from './schedule.ts';

export interface LoadOptions {
  name?: unknown;
  /** `http://…`, or `grpc://host:port` for calls of `weft.demo.Echo/Say`. */
  url?: unknown;
  rps?: unknown;
  /** Sent as `x-phase`, so that backends count by it. */
  phase?: unknown;
  timeoutMs?: unknown;
  /** Kept-alive connections at most. */
  connections?: unknown;
  /** A connection of its own for each request. */
  fresh?: unknown;
}

/** Requests leave on a fixed schedule (open loop): a slow answer does not slow the rate. */
export class Load {
  phase: string;
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #agent: Agent;
  readonly #schedule: Schedule;
  readonly #phases = new Phases();

  constructor(options: LoadOptions) {
    this.#url = String(options.url);
    this.phase = String(options.phase ?? '');
    this.#timeoutMs = Number(options.timeoutMs ?? 10_000);
    const fresh = options.fresh === true;
    const maxSockets = fresh ? Number.POSITIVE_INFINITY : Number(options.connections ?? 64);
    this.#agent = new Agent({ keepAlive: !fresh, maxSockets, scheduling: 'lifo' });
    this.#schedule = new Schedule(Number(options.rps ?? 200), () => this.#send());
  }

  /** Stops sending and waits until every request has an outcome, 15 s at most. */
  async stop(): Promise<void> {
    await this.#schedule.stop();
    this.#agent.destroy();
  }

  report(): object {
    return this.#phases.report();
  }

  #send(): void {
    const report = this.#phases.of(this.phase);
    const startedMs = performance.now();
    let done = false;
    report.sent++;
    const finish = (status: number, version: string, error: string, reason = ''): void => {
      if (done) return;
      done = true;
      this.#schedule.ended();
      const failed = error !== '' || status >= 500;
      record(report, { status, failed, version, error, reason, latencyMs: performance.now() - startedMs });
    };
    const options = { agent: this.#agent, headers: { 'x-phase': this.phase } };
    const outgoing = request(this.#url, options, (response) => {
      response.resume();
      response.on('end', () => {
        const { headers } = response;
        finish(
          response.statusCode ?? 0,
          String(headers['x-version'] ?? ''),
          '',
          String(headers['l5d-proxy-error'] ?? ''),
        );
      });
      response.on('error', (error: NodeJS.ErrnoException) => finish(0, '', error.code ?? error.message));
      response.on('close', () => finish(0, '', 'incomplete answer'));
    });
    outgoing.setTimeout(this.#timeoutMs, () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => finish(0, '', error.code ?? error.message));
    outgoing.end();
  }
}
