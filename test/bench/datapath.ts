/**
 * By hand: `node test/bench/datapath.ts [seconds] [rounds]`. One hop (P1), a pair with mutual TLS (P2) and memory (P6), ours beside HAProxy, on loopback,
 * interleaved. CPU from /proc/PID/stat. Only the ratios mean anything. Needs haproxy, nginx and wrk.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Endpoint } from '../../proxy-image/contract/resources.ts';
import { createLeaf, createTestAuthority } from '../support/certificates.ts';
import type { BenchProxyConfig } from './bench-proxy.ts';

const require = createRequire(import.meta.url);
const BUN = path.join(path.dirname(require.resolve('bun/package.json')), 'bin/bun.exe');
const seconds = Number(process.argv[2] ?? 4);
const rounds = Number(process.argv[3] ?? 3);
const connections = 32;

const dir = mkdtempSync(path.join(tmpdir(), 'weft-bench-'));
const children: ChildProcess[] = [];
const SERVER = 'web.bench.serviceaccount.identity.linkerd.cluster.local';

/** As the image has it. */
function bundle(): string {
  const output = path.join(dir, 'proxy.js');
  const script = path.join(import.meta.dirname, '../../hack/images/bundle.ts');
  execFileSync(process.execPath, [script, path.join(import.meta.dirname, 'bench-proxy.ts'), output, 'bun']);
  return output;
}

const PROXY = bundle();

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function start(command: string, args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

async function listening(port: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nothing listens on ${port}`);
}

async function startNginx(): Promise<number> {
  const port = await freePort();
  const file = path.join(dir, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${dir}/nginx.pid; error_log /dev/null;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${dir}; proxy_temp_path ${dir}; fastcgi_temp_path ${dir};
uwsgi_temp_path ${dir}; scgi_temp_path ${dir};
server { listen 127.0.0.1:${port}; location / { return 200 "${'x'.repeat(128)}"; } } }`,
  );
  start('nginx', ['-c', file, '-e', '/dev/null']);
  await listening(port);
  return port;
}

interface Credentials {
  keyPem: string;
  certificatePem: string;
  anchorsPem: string;
}

const HAPROXY_COMMON = `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  http-reuse always
`;

async function startHaproxy(front: string, back: string, port: number): Promise<ChildProcess> {
  const file = path.join(dir, `haproxy-${port}.cfg`);
  writeFileSync(
    file,
    `${HAPROXY_COMMON}frontend f\n  bind ${front}\n  default_backend b\nbackend b\n  server s ${back}\n`,
  );
  const child = start('haproxy', ['-db', '-f', file]);
  await listening(port);
  return child;
}

async function startOurs(credentials: Credentials, endpoint: Endpoint | null) {
  const config: BenchProxyConfig = {
    ...credentials,
    outboundPort: await freePort(),
    inboundPort: await freePort(),
    endpoint,
  };
  const file = path.join(dir, `ours-${config.outboundPort}.json`);
  writeFileSync(file, JSON.stringify(config));
  const child = start(BUN, ['--smol', PROXY, file]);
  await listening(config.outboundPort);
  return { child, ...config };
}

function endpointOf(port: number, identity: string | null, proxyPort: number): Endpoint {
  const place = { node: '', zone: '', hintZones: [], labels: { pod: 'web-1' } };
  return { address: '127.0.0.1', port, identity, proxyPort, protocol: 'http1', ...place };
}

function cpuMicroseconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function anonymousMiB(pid: number): number {
  return Number(/Anonymous:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]) / 1024;
}

interface Figures {
  rps: number;
  cpuUs: number[];
}

function load(port: number, children: ChildProcess[], connectionCount = connections): Figures {
  const before = children.map((child) => cpuMicroseconds(child.pid!));
  const output = execFileSync('wrk', ['-t1', `-c${connectionCount}`, `-d${seconds}s`, `http://127.0.0.1:${port}/abc`], {
    encoding: 'utf8',
  });
  const requests = Number(/(\d+) requests in/.exec(output)![1]);
  if (/Non-2xx|Socket errors/.test(output)) console.log(output);
  const after = children.map((child) => cpuMicroseconds(child.pid!));
  return { rps: requests / seconds, cpuUs: after.map((cpu, i) => (cpu - before[i]!) / requests) };
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

function compare(what: string, ours: () => Figures, rival: () => Figures): void {
  const runs = { ours: [] as Figures[], haproxy: [] as Figures[] };
  for (let round = 0; round < rounds; round++) {
    runs.ours.push(ours());
    runs.haproxy.push(rival());
  }
  const line = (name: string, figures: Figures[]) => {
    const cpu = figures[0]!.cpuUs.map((_, i) => median(figures.map((figure) => figure.cpuUs[i]!)));
    console.log(
      `${what} ${name}: ${cpu.map((us) => us.toFixed(1)).join(' + ')} us/request, ${Math.round(median(figures.map((f) => f.rps)))} rps`,
    );
    return cpu;
  };
  const a = line('weft   ', runs.ours);
  const b = line('haproxy', runs.haproxy);
  console.log(`${what} ratio: ${a.map((us, i) => (us / b[i]!).toFixed(2)).join(' and ')}`);
}

async function main(): Promise<void> {
  const authority = createTestAuthority();
  const credentialsOf = (name: string): Credentials => {
    const leaf = createLeaf(authority, name);
    return { keyPem: leaf.keyPem, certificatePem: leaf.chainPem, anchorsPem: authority.anchorsPem };
  };
  const own = { client: credentialsOf(SERVER.replace('web', 'client')), server: credentialsOf(SERVER) };
  const pem = (name: string, text: string) => {
    writeFileSync(path.join(dir, name), text, { mode: 0o600 });
    return path.join(dir, name);
  };
  const serverPem = pem('server.pem', own.server.certificatePem + own.server.keyPem);
  const clientPem = pem('client.pem', own.client.certificatePem + own.client.keyPem);
  const ca = pem('ca.pem', authority.anchorsPem);
  const backend = await startNginx();
  const ports = [await freePort(), await freePort(), await freePort()] as const;
  const haproxyHop = await startHaproxy(`127.0.0.1:${ports[0]}`, `127.0.0.1:${backend}`, ports[0]);
  const haproxyServer = await startHaproxy(
    `127.0.0.1:${ports[1]} ssl crt ${serverPem} ca-file ${ca} verify required ssl-min-ver TLSv1.3`,
    `127.0.0.1:${backend}`,
    ports[1],
  );
  const haproxyClient = await startHaproxy(
    `127.0.0.1:${ports[2]}`,
    `127.0.0.1:${ports[1]} ssl crt ${clientPem} ca-file ${ca} verify required verifyhost ${SERVER} sni str(${SERVER})`,
    ports[2],
  );
  const hop = await startOurs(own.client, endpointOf(backend, null, 0));
  const server = await startOurs(own.server, null);
  const client = await startOurs(own.client, endpointOf(backend, SERVER, server.inboundPort));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  console.log(
    `idle anonymous MiB: weft ${anonymousMiB(hop.child.pid!).toFixed(1)}, haproxy ${anonymousMiB(haproxyHop.pid!).toFixed(1)}`,
  );
  const only = process.argv[4] ?? 'P1,P2,P6';
  if (only.includes('P1')) {
    compare(
      'P1',
      () => load(hop.outboundPort, [hop.child]),
      () => load(ports[0], [haproxyHop]),
    );
  }
  if (only.includes('P2')) {
    compare(
      'P2',
      () => load(client.outboundPort, [client.child, server.child]),
      () => load(ports[2], [haproxyClient, haproxyServer]),
    );
  }
  if (only.includes('P6')) {
    load(client.outboundPort, [client.child], 1000);
    load(ports[2], [haproxyClient], 1000);
    const memory = () =>
      [client.child, server.child, haproxyClient, haproxyServer]
        .map((child) => anonymousMiB(child.pid!).toFixed(1))
        .join(', ');
    console.log(`anonymous MiB after 1,000 connections (weft client, server, haproxy client, server): ${memory()}`);
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    console.log(`… 10 s later: ${memory()}`);
  }
}

try {
  await main();
} finally {
  for (const child of children) child.kill('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
}
