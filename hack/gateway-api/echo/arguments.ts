import { Command } from 'commander';

/** What the server listens on. The suite's Deployments name the ports, or rely on these defaults. */
export interface ServerOptions {
  /** HTTP/1.1 and, with prior knowledge, HTTP/2. */
  http: number[];
  grpc: number[];
  /** What comes is sent back. */
  tcp: number[];
}

const DEFAULTS: ServerOptions = { http: [8080], grpc: [7070], tcp: [9090] };

/** Ports with TLS are left out: no test of a mesh calls one. */
export function serverOptions(args: readonly string[]): ServerOptions {
  const { port, grpc, tcp, tls } = new Command('server')
    .option('--port <port>', 'HTTP', collected, [])
    .option('--grpc <port>', 'gRPC', collected, [])
    .option('--tcp <port>', 'TCP', collected, [])
    .option('--tls <port>', 'one of the HTTP ports, which is not served then', collected, [])
    .option('--crt <file>', 'is not read')
    .option('--key <file>', 'is not read')
    .parse(args, { from: 'user' })
    .opts<{ port: string[]; grpc: string[]; tcp: string[]; tls: string[] }>();
  return {
    http: port.length === 0 ? DEFAULTS.http : port.filter((one) => !tls.includes(one)).map(Number),
    grpc: grpc.length === 0 ? DEFAULTS.grpc : grpc.map(Number),
    tcp: tcp.length === 0 ? DEFAULTS.tcp : tcp.map(Number),
  };
}

export interface ClientOptions {
  url: URL;
  /** Of the URL as it was given: nothing is normalised. */
  path: string;
  method: string;
  /** `Host` among them replaces that of the URL. */
  headers: [name: string, value: string][];
  count: number;
  timeoutMs: number;
}

const SCHEMES = ['http:', 'grpc:'];
const DEFAULT_TIMEOUT_S = '5';

/** @throws where the URL or a header cannot be read */
export function clientOptions(args: readonly string[]): ClientOptions {
  const command = new Command('client')
    .argument('<url>')
    .option('--method <method>', 'of HTTP', 'GET')
    .option('-H, --header <header>', 'name:value', collected, [])
    .option('--count <count>', 'requests, one after the other, of one connection', '1')
    .option('--timeout <seconds>', 'of each request', DEFAULT_TIMEOUT_S)
    .parse(args, { from: 'user' });
  const { method, header, count, timeout } = command.opts<
    Record<'method' | 'count' | 'timeout', string> & { header: string[] }
  >();
  const given = command.args[0] ?? '';
  const url = new URL(given);
  if (!SCHEMES.includes(url.protocol)) throw new Error(`${url.protocol} is not one of ${SCHEMES.join(' ')}`);
  return {
    url,
    path: given.replace(/^\w+:\/\/[^/?]*/, '').replace(/^(?!\/)/, '/'),
    method,
    headers: header.map(headerOf),
    count: Number(count),
    timeoutMs: Number.parseFloat(timeout) * 1000,
  };
}

function headerOf(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon < 1) throw new Error(`"${text}" is not name:value`);
  return [text.slice(0, colon), text.slice(colon + 1).trim()];
}

function collected(value: string, before: string[]): string[] {
  return [...before, value];
}
