import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Downloads } from './downloads.ts';
import { GrpcLoad } from './grpc-load.ts';
import { Load, type LoadOptions } from './load.ts';
import { SilentConnections } from './silent.ts';

/**
 * The traffic generator: `/start`, `/phase`, `/stop`, `/report`, `/tcp`, `/streams`, `/silent`, `/downloads` and `/held` (what the last two have come to; with
 * `stop`, their end) on its control port, JSON in and out.
 */
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
  if (options.url !== '' && options.rps > 0) generator.start({ name: 'steady', url: options.url, rps: options.rps });
  process.once('SIGTERM', () => process.exit(0));
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return text;
}

interface Stream {
  open: boolean;
  echoedBytes: number;
  closedAtMs: number;
}

class Generator {
  #loads = new Map<string, Load | GrpcLoad>();
  #streams = new Map<string, Stream>();
  #held = new Map<string, SilentConnections | Downloads>();

  async handle(path: string, body: Record<string, unknown>): Promise<object> {
    const name = String(body['name'] ?? '');
    switch (path) {
      case '/start':
        return this.start(body);
      case '/phase':
        this.#load(name).phase = String(body['phase']);
        return {};
      case '/stop':
        await this.#load(name).stop();
        return this.#load(name).report();
      case '/report':
        return name === ''
          ? Object.fromEntries([...this.#loads].map(([key, load]) => [key, load.report()]))
          : this.#load(name).report();
      case '/tcp':
        return this.#openStream(name, String(body['host']), Number(body['port']));
      case '/streams':
        return Object.fromEntries(this.#streams);
      case '/silent':
        return this.#hold(name, silentConnections(body));
      case '/downloads':
        return this.#hold(name, downloads(body));
      case '/held':
        return this.#heldReport(name, body['stop'] === true);
      default:
        throw new Error(`unknown path ${path}`);
    }
  }

  start(options: LoadOptions): object {
    const name = String(options.name ?? 'load');
    this.#loads.get(name)?.stop();
    const isGrpc = String(options.url).startsWith('grpc:');
    this.#loads.set(name, isGrpc ? new GrpcLoad(options) : new Load(options));
    return { started: name };
  }

  #hold(name: string, held: SilentConnections | Downloads): object {
    this.#held.get(name)?.stop();
    this.#held.set(name, held);
    return { started: name };
  }

  #heldReport(name: string, stop: boolean): object {
    const held = this.#held.get(name);
    if (held === undefined) throw new Error(`nothing held named "${name}"`);
    const report = held.report();
    if (stop) held.stop();
    return report;
  }

  #load(name: string): Load | GrpcLoad {
    const load = this.#loads.get(name);
    if (load === undefined) throw new Error(`no load named "${name}"`);
    return load;
  }

  /** A TCP stream that sends a byte every 20 ms and notes when it was closed. */
  #openStream(name: string, host: string, port: number): object {
    const stream: Stream = { open: true, echoedBytes: 0, closedAtMs: 0 };
    this.#streams.set(name, stream);
    const socket = connect({ host, port });
    const timer = setInterval(() => socket.write('x'), 20);
    socket.on('data', (chunk) => {
      stream.echoedBytes += chunk.length;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      stream.open = false;
      stream.closedAtMs = Date.now();
    });
    return { opened: name };
  }
}

function silentConnections(body: Record<string, unknown>): SilentConnections {
  const { host, port, count, renewMs } = body;
  return new SilentConnections({
    host: String(host),
    port: Number(port),
    count: Number(count),
    renewMs: Number(renewMs),
  });
}

function downloads(body: Record<string, unknown>): Downloads {
  const { url, count, bytesPerSecond } = body;
  return new Downloads({ url: String(url), count: Number(count), bytesPerSecond: Number(bytesPerSecond) });
}
