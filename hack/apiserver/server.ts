import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  apiServerArguments,
  controllerManagerArguments,
  etcdArguments,
  type Layout,
  type ServerOptions,
} from './arguments.ts';
import { type EtcdControl, etcdControl } from './etcd.ts';
import { freePort, ServerProcess, Watchdog } from './process.ts';
import { findPrograms, type ProgramName } from './programs.ts';

const PKI_SCRIPT = fileURLToPath(new URL('../cluster/pki', import.meta.url));
const READY_TIMEOUT_MS = 60_000;
/** The chosen port may be taken by somebody else before the API server listens on it. */
const PORT_ATTEMPTS = 3;
/** A socket's path has at most 107 characters (unix(7)); `etcd-peer.sock` is the longest name. */
const SOCKET_DIRECTORY_MAX = 90;

export interface ApiServerOptions extends ServerOptions {
  /** Where everything is kept and left after `stop`; a second start there finds the objects. Default: temporary. */
  directory?: string;
  /** Default: a free one, or the one used in `directory` before. */
  port?: number;
}

/** A real etcd and kube-apiserver on loopback, run as the current user. RBAC is on; nothing schedules or runs pods. */
export interface TestApiServer {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Of a member of system:masters. */
  readonly kubeconfigPath: string;
  readonly kubeconfig: string;
  readonly caPem: string;
  readonly adminCertificatePem: string;
  readonly adminKeyPem: string;
  /** Program of the same version. */
  readonly kubectlPath: string;
  /** Certificates, data and logs (`etcd.log`, `kube-apiserver.log`, `kube-controller-manager.log`). */
  readonly directory: string;
  readonly etcd: EtcdControl;
  /** Process ids of what runs, etcd first. */
  pids(): number[];
  /** Ends the API server only; etcd keeps the objects. Open watches are cut. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Halts it where it runs, and starts it on the same port; resolves when it is ready. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** SIGSTOP: connections stay open, nothing is answered. Resolves when not one of its threads runs any more: a signal reaches a busy process late. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends everything; a temporary directory is removed. Safe to call twice. */
  stop(): Promise<void>;
}

function unixSocketAnswers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function httpsReady({ pki, port }: Layout): Promise<boolean> {
  const agent = new Agent({
    ca: readFileSync(join(pki, 'ca.crt')),
    cert: readFileSync(join(pki, 'admin.crt')),
    key: readFileSync(join(pki, 'admin.key')),
  });
  return new Promise<boolean>((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/readyz', agent, timeout: 2_000 }, (response) => {
      response.resume().once('close', () => resolve(response.statusCode === 200));
    });
    request.once('timeout', () => request.destroy()).once('error', () => resolve(false));
  }).finally(() => agent.destroy());
}

/** The servers of one directory, with what it takes to control them. */
class LocalApiServer implements TestApiServer {
  readonly url: string;
  readonly port: number;
  readonly kubeconfigPath: string;
  readonly kubeconfig: string;
  readonly caPem: string;
  readonly adminCertificatePem: string;
  readonly adminKeyPem: string;
  readonly kubectlPath: string;
  readonly directory: string;
  readonly etcd: EtcdControl;
  readonly #layout: Layout;
  readonly #temporary: boolean;
  readonly #watchdog: Watchdog;
  readonly #etcd: ServerProcess;
  readonly #apiServer: ServerProcess;
  readonly #controllerManager: ServerProcess | null;

  constructor(layout: Layout, options: ApiServerOptions) {
    const { directory, pki, port, programs } = layout;
    this.#layout = layout;
    this.#temporary = options.directory === undefined;
    this.#watchdog = new Watchdog(directory);
    if (!this.#temporary) this.#watchdog.keepDirectory();
    const server = (name: ProgramName, args: string[]) =>
      new ServerProcess(programs[name], args, join(directory, `${name}.log`), this.#watchdog);
    this.#etcd = server('etcd', etcdArguments(layout));
    this.etcd = etcdControl(this.#etcd, join(directory, 'etcd.sock'));
    this.#apiServer = server('kube-apiserver', apiServerArguments(layout, options));
    this.#controllerManager =
      options.controllerManager === true ? server('kube-controller-manager', controllerManagerArguments(layout)) : null;
    this.directory = directory;
    this.port = port;
    this.url = `https://127.0.0.1:${port}`;
    this.kubectlPath = programs.kubectl;
    this.kubeconfigPath = join(pki, 'admin.kubeconfig');
    this.kubeconfig = readFileSync(this.kubeconfigPath, 'utf8');
    this.caPem = readFileSync(join(pki, 'ca.crt'), 'utf8');
    this.adminCertificatePem = readFileSync(join(pki, 'admin.crt'), 'utf8');
    this.adminKeyPem = readFileSync(join(pki, 'admin.key'), 'utf8');
  }

  async start(): Promise<void> {
    this.#etcd.start();
    await this.#etcd.waitUntil(() => unixSocketAnswers(join(this.directory, 'etcd.sock')), READY_TIMEOUT_MS);
    await this.restart();
  }

  async halt(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#apiServer.stop(signal);
  }

  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.halt(signal);
    this.#apiServer.start();
    await this.#apiServer.waitUntil(() => httpsReady(this.#layout), READY_TIMEOUT_MS);
    // Anew as well: after an outage its informers wait up to half a minute before they ask again (client-go's backoff).
    await this.#controllerManager?.stop('SIGKILL');
    this.#controllerManager?.start();
  }

  pids(): number[] {
    const pids = [this.#etcd.pid, this.#apiServer.pid, this.#controllerManager?.pid ?? null];
    return pids.filter((pid) => pid !== null);
  }

  async pause(): Promise<void> {
    this.#apiServer.signal('SIGSTOP');
    while (!this.#apiServer.isStopped) await sleep(5);
  }

  resume(): void {
    this.#apiServer.signal('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.#controllerManager?.stop();
    await this.#apiServer.stop();
    // Nothing was synced to disk on the way: etcd writes what it has when it is asked to end.
    await this.#etcd.stop(this.#temporary ? 'SIGKILL' : 'SIGTERM', 5_000);
    this.#watchdog.end();
    if (this.#temporary) rmSync(this.directory, { recursive: true, force: true });
  }
}

async function prepare(directory: string, port: number, programs: Layout['programs']): Promise<Layout> {
  const pki = join(directory, 'pki');
  await promisify(execFile)(PKI_SCRIPT, [pki, `https://127.0.0.1:${port}`, '127.0.0.1'], { timeout: 30_000 });
  return { directory, pki, port, programs };
}

/** The port that the certificates and kubeconfigs in the directory were made for, if any. */
function recordedPort(directory: string): number | null {
  try {
    return Number(
      /https:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(join(directory, 'pki/admin.kubeconfig'), 'utf8'))?.[1],
    );
  } catch {
    return null;
  }
}

async function launch(
  directory: string,
  options: ApiServerOptions,
  programs: Layout['programs'],
): Promise<TestApiServer> {
  const port = recordedPort(directory) ?? options.port ?? (await freePort());
  const server = new LocalApiServer(await prepare(directory, port, programs), options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/**
 * Starts etcd and kube-apiserver (built once where `KUBEBUILDER_ASSETS` does not name them) and resolves when the API
 * server is ready, 3 to 5 s later. They end with `stop`, and also when this process dies.
 * @throws with the end of the server's log when it does not come up within a minute.
 */
export async function startApiServer(options: ApiServerOptions = {}): Promise<TestApiServer> {
  const names: ProgramName[] = ['etcd', 'kube-apiserver', 'kubectl'];
  if (options.controllerManager === true) names.push('kube-controller-manager');
  const programs = await findPrograms(names);
  if (options.directory !== undefined) {
    if (options.directory.length > SOCKET_DIRECTORY_MAX) {
      throw new Error(
        `${options.directory} is too long a path for the sockets of etcd (${SOCKET_DIRECTORY_MAX} characters)`,
      );
    }
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    return launch(options.directory, options, programs);
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(mkdtempSync(join(tmpdir(), 'weft-apiserver-')), options, programs);
    } catch (error) {
      const portTaken = error instanceof Error && error.message.includes('address already in use');
      if (!portTaken || options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}
