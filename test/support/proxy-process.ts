import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ENVIRONMENT, type VariableName } from '../../proxy-image/contract/environment.ts';
import { serviceAccountIdentity } from '../../proxy-image/contract/names.ts';
import type { LocalNetworkFile } from '../../proxy-image/io/transport/types.ts';
import { type ControlPlane, OPERATOR_IDENTITY, SUFFIX } from './control-plane.ts';
import { eventually } from './eventually.ts';

const require = createRequire(import.meta.url);
const BUN = join(dirname(require.resolve('bun/package.json')), 'bin/bun.exe');
const MAIN = join(import.meta.dirname, '..', '..', 'proxy-image', 'main.ts');

export type LogLine = Readonly<Record<string, unknown>> & { level: string; message: string };

export interface Answer {
  status: number;
  text: string;
}

export interface ProxyProcessOptions {
  namespace: string;
  serviceAccount: string;
  pod: string;
  podIp: string;
  network?: LocalNetworkFile;
  /** Over what an injected pod would have; by name of `ENVIRONMENT`. */
  environment?: Partial<Record<VariableName, string>>;
  /** Variables that are not ours. */
  extra?: Record<string, string>;
  /** Limit of file descriptors (the hard one too: Bun raises the soft one to it); default that of this process. */
  maxFds?: number;
  /** Program to run; default `proxy-image/main.ts`. */
  program?: string;
}

/** The proxy as an image runs it: `bun --smol main.ts run`, in the embedded mode (explicit listeners on free ports). */
export class ProxyProcess {
  readonly options: ProxyProcessOptions;
  /** Stands for the pod's volumes: outlives a restarted container. */
  readonly folder = mkdtempSync(join(tmpdir(), 'weft-proxy-'));
  lines: LogLine[] = [];
  exitCode: number | null = null;
  #child: ChildProcess | null = null;

  constructor(options: ProxyProcessOptions) {
    this.options = options;
    const { namespace, serviceAccount, pod } = options;
    mkdirSync(join(this.folder, 'identity'), { mode: 0o700 });
    writeFileSync(join(this.folder, 'token'), `${namespace}/${serviceAccount}/${pod}`);
    writeFileSync(
      join(this.folder, 'network.json'),
      JSON.stringify(options.network ?? { outbound: [], addresses: {} }),
    );
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  start(plane: Pick<ControlPlane, 'anchorsPem' | 'configPort' | 'identityPort'>): this {
    this.lines = [];
    this.exitCode = null;
    const { program = MAIN, extra = {}, maxFds } = this.options;
    const env = { PATH: process.env['PATH'] ?? '', ...extra, ...this.#environment(plane) };
    const argv = [BUN, '--smol', program, 'run'];
    const limited = ['/bin/sh', '-c', `ulimit -n ${maxFds}; exec "$@"`, 'sh', ...argv];
    const [command, ...args] = maxFds === undefined ? argv : limited;
    const child = spawn(command!, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    child.once('exit', (code, signal) => {
      this.exitCode = code ?? (signal === null ? -1 : -2);
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.lines.push(JSON.parse(line)));
    return this;
  }

  #environment(plane: Pick<ControlPlane, 'anchorsPem' | 'configPort' | 'identityPort'>): Record<string, string> {
    const { namespace, serviceAccount, pod, podIp, environment = {} } = this.options;
    const values: Partial<Record<VariableName, string>> = {
      podName: pod,
      podNamespace: namespace,
      podIps: podIp,
      nodeName: 'node-1',
      inboundListen: '127.0.0.1:0',
      inboundPlainListen: '127.0.0.1:0',
      adminListen: '127.0.0.1:0',
      tapPort: '0',
      controlHost: '127.0.0.1',
      configPort: String(plane.configPort),
      identityPort: String(plane.identityPort),
      controlIdentity: OPERATOR_IDENTITY,
      identityName: serviceAccountIdentity(serviceAccount, namespace, SUFFIX),
      identityDir: join(this.folder, 'identity'),
      tokenFile: join(this.folder, 'token'),
      trustAnchors: plane.anchorsPem,
      localNetwork: join(this.folder, 'network.json'),
      ...environment,
    };
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [ENVIRONMENT[name as VariableName].name, value]),
    );
  }

  /** Waits for a line of the log. */
  line(message: string, withinMs = 20_000): Promise<LogLine> {
    return eventually(
      `log line ${JSON.stringify(message)}`,
      () => {
        if (this.exitCode !== null)
          throw new Error(`the proxy ended with ${this.exitCode}: ${JSON.stringify(this.lines)}`);
        return this.lines.find((line) => line.message === message);
      },
      withinMs,
    );
  }

  /** Address of a listener by its name in the line `proxy is ready`, or of the admin port. */
  async address(name: 'outbound' | 'inbound' | 'inboundPlain' | 'control' | 'admin'): Promise<string> {
    const line = await this.line(name === 'admin' ? 'admin port is open' : 'proxy is ready');
    return String(line[name]);
  }

  /** What the application of the pod is told when it asks `web.app`, on a connection of its own. */
  async ask(path = '/'): Promise<Answer> {
    const [host, port] = (await this.address('outbound')).split(':');
    return new Promise((resolve, reject) => {
      const outgoing = request({ host, port, path, headers: { host: 'web.app' }, agent: false, timeout: 10_000 });
      outgoing.on('error', reject).on('timeout', () => outgoing.destroy(new Error('no answer')));
      outgoing.on('response', (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      });
      outgoing.end();
    });
  }

  /** Of the admin port. */
  async get(path: string): Promise<Answer> {
    const response = await fetch(`http://${await this.address('admin')}${path}`, { signal: AbortSignal.timeout(5000) });
    return { status: response.status, text: await response.text() };
  }

  /** Anonymous memory, MiB. */
  get anonymousMib(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  /** Runs the verb `await` and returns its exit code. */
  awaitReady(port: string, timeoutSeconds: number): Promise<number> {
    const args = ['--smol', MAIN, 'await', '--port', port, '--timeout', String(timeoutSeconds)];
    const child = spawn(BUN, args, { env: { PATH: process.env['PATH'] ?? '' }, stdio: 'ignore' });
    return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends the container; the volumes stay. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child === null || this.exitCode !== null) return;
    this.signal(signal);
    await eventually('the end of the proxy', () => this.exitCode !== null);
  }

  /** Ends the pod. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
