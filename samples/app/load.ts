import { Agent, request } from 'node:http';

export interface LoadOptions {
  name?: unknown;
  url?: unknown;
  rps?: unknown;
  /** Sent as `x-phase`, so that backends count by it. */
  phase?: unknown;
  timeoutMs?: unknown;
  /** Kept-alive connections at most. */
  connections?: unknown;
}

/** What the client saw of one phase. */
interface PhaseReport {
  sent: number;
  finished: number;
  statuses: Record<string, number>;
  versions: Record<string, number>;
  /** Requests without a complete answer, by error code. */
  errors: Record<string, number>;
  /** The first few failures. */
  examples: string[];
  /** Wall-clock ms of the first and last sight of each status, version and error. */
  firstSeenMs: Record<string, number>;
  lastSeenMs: Record<string, number>;
  latenciesMs: number[];
}

const MAX_LATENCIES = 200_000;
const TICK_MS = 2;

/** Requests leave on a fixed schedule (open loop): a slow answer does not slow the rate. */
export class Load {
  phase: string;
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #agent: Agent;
  readonly #timer: NodeJS.Timeout;
  readonly #phases = new Map<string, PhaseReport>();
  #inFlight = 0;

  constructor(options: LoadOptions) {
    this.#url = String(options.url);
    this.phase = String(options.phase ?? '');
    this.#timeoutMs = Number(options.timeoutMs ?? 10_000);
    this.#agent = new Agent({ keepAlive: true, maxSockets: Number(options.connections ?? 64), scheduling: 'lifo' });
    const rps = Number(options.rps ?? 200);
    const startedMs = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * rps);
      for (; sent < due; sent++) this.#send();
    }, TICK_MS);
  }

  /** Stops sending and waits until every request has an outcome, 15 s at most. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const deadlineMs = performance.now() + 15_000;
    while (this.#inFlight > 0 && performance.now() < deadlineMs) await new Promise((done) => setTimeout(done, 20));
    this.#agent.destroy();
  }

  report(): object {
    return Object.fromEntries(
      [...this.#phases].map(([name, { latenciesMs, ...rest }]) => [name, { ...rest, latencyMs: summary(latenciesMs) }]),
    );
  }

  #report(): PhaseReport {
    let report = this.#phases.get(this.phase);
    if (report === undefined) {
      const counts = { statuses: {}, versions: {}, errors: {}, firstSeenMs: {}, lastSeenMs: {} };
      report = { sent: 0, finished: 0, ...counts, examples: [], latenciesMs: [] };
      this.#phases.set(this.phase, report);
    }
    return report;
  }

  #send(): void {
    const report = this.#report();
    const startedMs = performance.now();
    let done = false;
    report.sent++;
    this.#inFlight++;
    const finish = (status: number, version: string, error: string, reason = ''): void => {
      if (done) return;
      done = true;
      this.#inFlight--;
      record(report, { status, version, error, reason, latencyMs: performance.now() - startedMs });
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

interface Outcome {
  status: number;
  version: string;
  error: string;
  /** `l5d-proxy-error` of the answer. */
  reason: string;
  latencyMs: number;
}

function record(report: PhaseReport, outcome: Outcome): void {
  const { status, version, error, reason, latencyMs } = outcome;
  report.finished++;
  const nowMs = Date.now();
  const add = (counts: Record<string, number>, key: string): void => {
    counts[key] = (counts[key] ?? 0) + 1;
    report.firstSeenMs[key] ??= nowMs;
    report.lastSeenMs[key] = nowMs;
  };
  if (error === '') add(report.statuses, String(status));
  else add(report.errors, error);
  if (version !== '') add(report.versions, version);
  const failed = error !== '' || status >= 500;
  if (failed && report.examples.length < 8)
    report.examples.push(
      `${new Date(nowMs).toISOString().slice(17, 23)} ${status} ${reason}${error} after ${latencyMs.toFixed(1)} ms`,
    );
  if (report.latenciesMs.length < MAX_LATENCIES) report.latenciesMs.push(latencyMs);
}

function summary(latenciesMs: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = Float64Array.from(latenciesMs).sort();
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
    return Number((sorted[index] ?? 0).toFixed(2));
  };
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
