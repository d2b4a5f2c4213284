import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EndpointSliceModel } from '../../crds/kinds/endpoint-slice/model.ts';
import type { ServiceModel } from '../../crds/kinds/service/model.ts';
import { PROXY_PORTS } from '../../proxy-image/contract/ports.ts';
import { makeShipped } from '../bench/contenders/weft/shipped.ts';
import { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { namespace, pod, service, servicePort, slice, sliceEndpoint } from '../support/models.ts';
import { type LogLine, ProxyProcess } from '../support/proxy-process.ts';
import { APP_PORTS } from './app.ts';
import type { Targets } from './load/load.ts';

/** Loopback addresses of this run: the mesh port is the same in every pod, so each has an address of its own. */
const NET = `127.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}`;
const CLIENT_HOST = `${NET}.9`;

/** Certificates are renewed after 21 of these seconds; a real pod's live a day. */
export const CERTIFICATE_LIFE_MS = 30_000;

const MAX_LOG_LINES = 200;
/** A stream that was ended with its certificate is back by then. */
const STREAM_MS = 10_000;

export interface ServerPod {
  name: string;
  ip: string;
  host: string;
}

export const SERVER_PODS: readonly ServerPod[] = [1, 2].map((n) => ({
  name: `web-${n}`,
  ip: `10.1.0.${n}`,
  host: `${NET}.${n}`,
}));

/** `canary` is a second Service for the splits of `http`. */
const SERVICES = [
  { name: 'http', ip: '10.0.0.1', port: APP_PORTS.http, appProtocol: '', opaque: false },
  { name: 'canary', ip: '10.0.0.2', port: APP_PORTS.http, appProtocol: '', opaque: false },
  { name: 'http2', ip: '10.0.0.3', port: APP_PORTS.http2, appProtocol: '', opaque: false },
  { name: 'grpc', ip: '10.0.0.4', port: APP_PORTS.grpc, appProtocol: 'kubernetes.io/h2c', opaque: false },
  { name: 'tcp', ip: '10.0.0.5', port: APP_PORTS.tcp, appProtocol: '', opaque: true },
] as const;
export type ServiceName = (typeof SERVICES)[number]['name'];

/** Control plane, application, and the proxies as they are shipped: everything but the traffic. */
export class World {
  readonly plane: ControlPlane;
  readonly proxies: ReadonlyMap<string, ProxyProcess>;
  readonly targets: Targets;
  readonly #application: ChildProcess;
  readonly #folder: string;

  private constructor(
    plane: ControlPlane,
    proxies: Map<string, ProxyProcess>,
    application: ChildProcess,
    folder: string,
  ) {
    this.plane = plane;
    this.proxies = proxies;
    this.#application = application;
    this.#folder = folder;
    const at = (name: ServiceName) => ({ host: CLIENT_HOST, port: listenPort(name) });
    this.targets = { http: at('http'), http2: at('http2'), grpc: at('grpc'), tcp: at('tcp') };
  }

  static async start(): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'weft-soak-'));
    const { argv, env } = makeShipped(folder);
    const application = fork(
      join(import.meta.dirname, 'app.ts'),
      SERVER_PODS.map(({ host }) => host),
    );
    await once(application, 'message');
    const plane = await ControlPlane.start({ lifetimeMs: CERTIFICATE_LIFE_MS });
    const options = { namespace: 'app', program: argv.at(-2)!, extra: env };
    const proxies = new Map(SERVER_PODS.map((server) => [server.name, serverProxy(server, options)]));
    proxies.set('client', clientProxy(options));
    const world = new World(plane, proxies, application, folder);
    world.#putObjects();
    for (const proxy of proxies.values()) proxy.start(plane);
    for (const proxy of proxies.values()) await proxy.line('proxy is ready');
    return world;
  }

  #putObjects(): void {
    this.plane.put('Namespace', namespace('app'));
    for (const { name, ip } of SERVER_PODS) this.plane.put('Pod', pod(name, ip));
    this.plane.put('Pod', pod('client', '10.1.0.9', { serviceAccount: 'client' }));
    for (const each of SERVICES) this.plane.put('Service', serviceModel(each));
    for (const { name } of SERVICES) this.setEndpoints(name, SERVER_PODS);
  }

  setEndpoints(name: ServiceName, pods: readonly ServerPod[]): void {
    this.plane.put('EndpointSlice', sliceModel(name, pods));
  }

  /** Until a request to each Service has been answered: what the client's proxy asks for first is then known to it. */
  async warmUp(): Promise<void> {
    await eventually('an answer through both proxies', async () => {
      const { host, port } = this.targets.http;
      const answer = await fetch(`http://${host}:${port}/`, { signal: AbortSignal.timeout(2000) }).catch(() => null);
      return answer?.status === 200;
    });
  }

  /** Proxies that have ended by themselves. */
  get ended(): string[] {
    return [...this.proxies].filter(([, proxy]) => proxy.exitCode !== null).map(([name]) => name);
  }

  /** Proxies that do not hear of changes any more: what they carried was no test of anything. */
  async detached(): Promise<string[]> {
    const heard = [...this.proxies].map(async ([name, proxy]) => {
      if (proxy.exitCode !== null) return null;
      const connected = async () => /^weft_config_connected 1$/m.test((await proxy.get('/metrics')).text);
      return eventually('the configuration stream', connected, STREAM_MS).then(
        () => null,
        () => name,
      );
    });
    return (await Promise.all(heard)).filter((name) => name !== null);
  }

  /** Lines of the proxies' logs that are not of their usual life, the newest. */
  notableLogs(): Record<string, LogLine[]> {
    const isNotable = ({ level, message }: LogLine) =>
      level === 'warn' || level === 'error' || /refused|denied|failed|could not|no new/.test(message);
    return Object.fromEntries(
      [...this.proxies].map(([name, proxy]) => [name, proxy.lines.filter(isNotable).slice(-MAX_LOG_LINES)]),
    );
  }

  async stop(): Promise<void> {
    for (const proxy of this.proxies.values()) await proxy.remove();
    await this.plane.stop();
    this.#application.disconnect();
    rmSync(this.#folder, { recursive: true });
  }
}

type ProxyOptions = { namespace: string; program: string; extra: Record<string, string> };

function serverProxy({ name, ip, host }: ServerPod, options: ProxyOptions): ProxyProcess {
  const environment = { inboundListen: `${host}:${PROXY_PORTS.inboundMesh}`, logLevel: 'info' };
  return new ProxyProcess({ ...options, serviceAccount: 'web', pod: name, podIp: ip, environment });
}

function clientProxy(options: ProxyOptions): ProxyProcess {
  const network = {
    outbound: SERVICES.map(({ name, ip }) => ({
      listen: `${CLIENT_HOST}:${listenPort(name)}`,
      destination: `${ip}:80`,
    })),
    addresses: Object.fromEntries(SERVER_PODS.map(({ ip, host }) => [ip, host])),
  };
  const environment = { logLevel: 'debug' };
  return new ProxyProcess({
    ...options,
    serviceAccount: 'client',
    pod: 'client',
    podIp: '10.1.0.9',
    network,
    environment,
  });
}

/** Of the client's proxy, for what goes to this Service. */
function listenPort(name: ServiceName): number {
  return 15_000 + SERVICES.findIndex((each) => each.name === name);
}

function serviceModel({ name, ip, port, appProtocol, opaque }: (typeof SERVICES)[number]): ServiceModel {
  return service(name, ip, {
    ports: [servicePort(80, { targetPort: port, appProtocol })],
    meta: { annotations: opaque ? { 'config.linkerd.io/opaque-ports': '80' } : {} },
  });
}

function sliceModel(name: ServiceName, pods: readonly ServerPod[]): EndpointSliceModel {
  const { port } = SERVICES.find((each) => each.name === name)!;
  const endpoints = pods.map((each) => sliceEndpoint(each.ip, { targetPod: each.name }));
  return slice(`${name}-1`, name, endpoints, { ports: [{ name: 'http', port, protocol: 'TCP' }] });
}
