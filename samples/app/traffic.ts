import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';

/** What the generator was told to send. Requests leave on a fixed schedule (open loop): a slow answer does not slow the rate. */
interface Load {
  url: string;
  rps: number;
  phase: string;
  method: string;
  timeoutMs: number;
}

interface PhaseReport {
  sent: number;
  finished: number;
  statuses: Record<string, number>;
  versions: Record<string, number>;
  /** Requests without a complete answer, by error code. */
  errors: Record<string, number>;
  latenciesMs: number[];
  /** The first few failures, for the log. */
  examples: string[];
  /** Wall-clock time of the last change of the set of statuses or versions seen. */
  firstSeen: Record<string, number>;
  lastSeen: Record<string, number>;
}

const MAX_LATENCIES = 200_000;

/** The traffic generator: `/start`, `/phase`, `/stop`, `/report`, `/tcp` on its control port. */
export function startTraffic(options: { host: string; port: number; url: string; rps: number }): void {
  const generator = new Generator();
  const server = createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://local');
    try {
      const body = await readBody(incoming);
      const result = await generator.handle(url.pathname, body === '' ? {} : JSON.parse(body));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    } catch (error) {
      response.writeHead(400).end(JSON.stringify({ error: String(error) }));
    }
  });
  server.listen(options.port, options.host, () => console.log(`traffic control on ${options.port}`));
  if (options.url !== '' && options.rps > 0) generator.start({ url: options.url, rps: options.rps, phase: 'steady' });
  process.once('SIGTERM', () => process.exit(0));
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return text;
}

export class Generator {
  #agent = new Agent({ keepAlive: true, maxSockets: 64, scheduling: 'lifo' });
  #load: Load | null = null;
  #timer: NodeJS.Timeout | null = null;
  #inFlight = 0;
  #phases = new Map<string, PhaseReport>();
  #streams = new Map<string, { open: boolean; echoed: number; closedAtMs: number }>();

  async handle(path: string, body: Record<string, unknown>): Promise<object> {
    switch (path) {
      case '/start':
        return this.start(body);
      case '/phase':
        if (this.#load !== null) this.#load.phase = String(body['phase']);
        return { phase: body['phase'] };
      case '/stop':
        return this.stop();
      case '/report':
        return this.report();
      case '/reset':
        this.#phases.clear();
        return {};
      case '/tcp':
        return this.openStream(String(body['name']), String(body['host']), Number(body['port']));
      case '/streams':
        return Object.fromEntries(this.#streams);
      default:
        throw new Error(`unknown path ${path}`);
    }
  }

  start(body: Partial<Load> & Record<string, unknown>): object {
    if (this.#timer !== null) clearInterval(this.#timer);
    const load: Load = {
      url: String(body.url),
      rps: Number(body.rps ?? 200),
      phase: String(body.phase ?? ''),
      method: String(body.method ?? 'GET'),
      timeoutMs: Number(body.timeoutMs ?? 10_000),
    };
    this.#load = load;
    const startedMs = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * load.rps);
      while (sent < due) {
        sent++;
        this.#send(load);
      }
    }, 2);
    return { started: load };
  }

  /** Stops sending and waits until every request has an outcome (bounded by the request timeout). */
  async stop(): Promise<object> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const deadlineMs = performance.now() + 15_000;
    while (this.#inFlight > 0 && performance.now() < deadlineMs) await new Promise((done) => setTimeout(done, 20));
    return this.report();
  }

  #phase(name: string): PhaseReport {
    let report = this.#phases.get(name);
    if (report === undefined) {
      report = {
        sent: 0,
        finished: 0,
        statuses: {},
        versions: {},
        errors: {},
        latenciesMs: [],
        examples: [],
        firstSeen: {},
        lastSeen: {},
      };
      this.#phases.set(name, report);
    }
    return report;
  }

  #send(load: Load): void {
    const report = this.#phase(load.phase);
    const startedMs = performance.now();
    let done = false;
    report.sent++;
    this.#inFlight++;
    const finish = (status: number, version: string, error: string): void => {
      if (done) return;
      done = true;
      this.#inFlight--;
      record(report, status, version, error, performance.now() - startedMs);
    };
    const headers = { 'x-phase': load.phase };
    const outgoing = request(load.url, { agent: this.#agent, method: load.method, headers }, (response) => {
      response.resume();
      response.on('end', () => finish(response.statusCode ?? 0, String(response.headers['x-version'] ?? ''), ''));
      response.on('error', (error: NodeJS.ErrnoException) => finish(0, '', error.code ?? error.message));
      response.on('close', () => finish(0, '', 'incomplete answer'));
    });
    outgoing.setTimeout(load.timeoutMs, () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => finish(0, '', error.code ?? error.message));
    outgoing.end();
  }

  report(): object {
    return Object.fromEntries(
      [...this.#phases].map(([name, { latenciesMs, ...rest }]) => [name, { ...rest, latencyMs: summary(latenciesMs) }]),
    );
  }

  /** A TCP stream that sends a byte every 20 ms and notes when it was closed. */
  openStream(name: string, host: string, port: number): object {
    const state = { open: true, echoed: 0, closedAtMs: 0 };
    this.#streams.set(name, state);
    const socket = connect({ host, port });
    const timer = setInterval(() => socket.write('x'), 20);
    socket.on('data', (chunk) => {
      state.echoed += chunk.length;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      state.open = false;
      state.closedAtMs = Date.now();
    });
    return { opened: name };
  }
}

function record(report: PhaseReport, status: number, version: string, error: string, latencyMs: number): void {
  report.finished++;
  const now = Date.now();
  const add = (counts: Record<string, number>, key: string): void => {
    counts[key] = (counts[key] ?? 0) + 1;
    report.firstSeen[key] ??= now;
    report.lastSeen[key] = now;
  };
  if (error !== '') add(report.errors, error);
  else add(report.statuses, String(status));
  if (version !== '') add(report.versions, version);
  if ((error !== '' || status >= 500) && report.examples.length < 5)
    report.examples.push(`${status} ${error} after ${latencyMs.toFixed(1)} ms`);
  if (report.latenciesMs.length < MAX_LATENCIES) report.latenciesMs.push(latencyMs);
}

function summary(latenciesMs: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = Float64Array.from(latenciesMs).sort();
  const at = (share: number): number =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
