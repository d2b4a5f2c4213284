import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { ENVIRONMENT } from '../../proxy-image/contract/environment.ts';
import { PROXY_CONTAINER, TOKEN_AUDIENCE } from '../../proxy-image/contract/names.ts';
import type { ProxyPorts } from '../../proxy-image/contract/ports.ts';
import { type LocalService, localNetwork, loopbackAddress, podAddress, rewriteUrls } from './addresses.ts';
import { LocalProcess } from './process.ts';
import type { PodRecord } from './record.ts';

/** What every pod of the embedded mode is started with. */
export interface LocalSettings {
  root: string;
  /** Where pods keep logs, tokens and certificates. */
  directory: string;
  nodePath: string;
  bunPath: string;
  controlHost: string;
  configPort: number;
  identityPort: number;
}

const APP_GRACE_MS = 10_000;
const PROXY_GRACE_MS = 10_000;
const PROBE_TIMEOUT_MS = 1000;

/** Runs the containers of one pod as processes: the application on Node, the proxy on Bun. Images are not looked at, only `args`. */
export class LocalPod {
  readonly #pod: V1Pod;
  readonly #number: number;
  readonly #settings: LocalSettings;
  readonly #services: readonly LocalService[];
  readonly #directory: string;
  #proxy: LocalProcess | null = null;
  #app: LocalProcess | null = null;

  constructor(pod: V1Pod, number: number, services: readonly LocalService[], settings: LocalSettings) {
    this.#pod = pod;
    this.#number = number;
    this.#services = services;
    this.#settings = settings;
    this.#directory = join(settings.directory, 'pods', pod.metadata?.name ?? 'pod');
  }

  get #proxyContainer(): V1Container | undefined {
    const all = [...(this.#pod.spec?.initContainers ?? []), ...(this.#pod.spec?.containers ?? [])];
    return all.find((container) => container.name === PROXY_CONTAINER);
  }

  get #appContainer(): V1Container | undefined {
    return this.#pod.spec?.containers.find((container) => container.name !== PROXY_CONTAINER);
  }

  get address(): string {
    return podAddress(this.#number);
  }

  get number(): number {
    return this.#number;
  }

  get services(): readonly LocalService[] {
    return this.#services;
  }

  get exitCode(): number | null {
    return this.#app?.exitCode ?? null;
  }

  /** `token`: for the proxy's identity. The proxy starts first, as a native sidecar does; the application when it is ready. */
  startProxy(token: string): void {
    const container = this.#proxyContainer;
    mkdirSync(join(this.#directory, 'identity'), { recursive: true, mode: 0o700 });
    const record: PodRecord = { number: this.#number, services: [...this.#services] };
    writeFileSync(join(this.#directory, 'pod.json'), JSON.stringify(record));
    if (container === undefined) return;
    writeFileSync(join(this.#directory, 'token'), token, { mode: 0o600 });
    writeFileSync(join(this.#directory, 'network.json'), JSON.stringify(localNetwork(this.#number, this.#services)));
    const entry = join(this.#settings.root, 'proxy-image', 'main.ts');
    this.#proxy = new LocalProcess({
      command: this.#settings.bunPath,
      args: ['--smol', entry, ...(container.args ?? ['run'])],
      env: { ...this.#environment(container), ...this.#proxyOverrides() },
      log: join(this.#directory, 'proxy.log'),
      cwd: this.#directory,
    });
  }

  startApp(): void {
    const container = this.#appContainer;
    if (container === undefined || this.#app !== null) return;
    const rewrite = (text: string): string => rewriteUrls(text, this.#number, this.#services);
    const env = Object.fromEntries(
      Object.entries(this.#environment(container)).map(([name, value]) => [name, rewrite(value)]),
    );
    this.#app = new LocalProcess({
      command: this.#settings.nodePath,
      args: [join(this.#settings.root, 'samples', programOf(container)), ...(container.args ?? []).map(rewrite)],
      env: { ...env, HOST: loopbackAddress(this.#number), CONTROL_HOST: loopbackAddress(this.#number) },
      log: join(this.#directory, 'app.log'),
      cwd: this.#directory,
    });
  }

  async stop(): Promise<void> {
    await this.#app?.stop(APP_GRACE_MS);
    await this.#proxy?.stop(PROXY_GRACE_MS);
    rmSync(join(this.#directory, 'pod.json'), { force: true });
  }

  /** The proxy's readiness: its own `/ready`. A pod without a proxy is past this stage at once. */
  proxyReady(): Promise<boolean> {
    if (this.#proxy === null) return Promise.resolve(true);
    return this.#probe(this.#proxyPorts.admin, '/ready');
  }

  appReady(): Promise<boolean> {
    const probe = this.#appContainer?.readinessProbe?.httpGet;
    if (this.#app === null || this.#app.exitCode !== null) return Promise.resolve(false);
    if (probe === undefined) return Promise.resolve(true);
    const named = this.#appContainer?.ports?.find((port) => port.name === probe.port)?.containerPort;
    return this.#probe(named ?? Number(probe.port), probe.path ?? '/');
  }

  #probe(port: number, path: string): Promise<boolean> {
    return new Promise((resolve) => {
      const host = loopbackAddress(this.#number);
      const outgoing = request({ host, port, path, timeout: PROBE_TIMEOUT_MS, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', () => resolve(false));
      outgoing.end();
    });
  }

  #environment(container: V1Container): Record<string, string> {
    const path = { PATH: process.env['PATH'] ?? '' };
    const entries = (container.env ?? []).map((variable): [string, string] => [
      variable.name,
      variable.value ?? this.#field(variable.valueFrom?.fieldRef?.fieldPath ?? ''),
    ]);
    return { ...path, ...Object.fromEntries(entries) };
  }

  /** Downward API, as far as an injected pod uses it. */
  #field(path: string): string {
    const values: Record<string, string | undefined> = {
      'metadata.name': this.#pod.metadata?.name,
      'metadata.namespace': this.#pod.metadata?.namespace,
      'metadata.uid': this.#pod.metadata?.uid,
      'spec.nodeName': 'local',
      'spec.serviceAccountName': this.#pod.spec?.serviceAccountName,
      'status.podIP': this.address,
      'status.podIPs': this.address,
      'status.hostIP': '127.0.0.1',
    };
    return values[path] ?? '';
  }

  /** What the callers' proxies are told of it. */
  get #proxyPorts(): ProxyPorts {
    return reducePod(this.#pod).proxyPorts;
  }

  #proxyOverrides(): Record<string, string> {
    const host = loopbackAddress(this.#number);
    const ports = this.#proxyPorts;
    return {
      [ENVIRONMENT.outboundListen.name]: '',
      [ENVIRONMENT.inboundListen.name]: `${host}:${ports.inboundMesh}`,
      [ENVIRONMENT.inboundPlainListen.name]: `${host}:${ports.inboundPlain}`,
      [ENVIRONMENT.adminListen.name]: `${host}:${ports.admin}`,
      [ENVIRONMENT.controlHost.name]: this.#settings.controlHost,
      [ENVIRONMENT.configPort.name]: String(this.#settings.configPort),
      [ENVIRONMENT.identityPort.name]: String(this.#settings.identityPort),
      [ENVIRONMENT.identityDir.name]: join(this.#directory, 'identity'),
      [ENVIRONMENT.tokenFile.name]: join(this.#directory, 'token'),
      [ENVIRONMENT.localNetwork.name]: join(this.#directory, 'network.json'),
    };
  }

  static readonly audience = TOKEN_AUDIENCE;
}

/** The image of the samples has two programs; a container that names none runs the first. */
function programOf(container: V1Container): string {
  return container.command?.includes('/app/poll.mjs') === true ? 'poll/main.ts' : 'app/main.ts';
}
