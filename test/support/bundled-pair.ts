import { appendFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import type { ServiceModel } from '../../crds/kinds/service/model.ts';
import { PROXY_PORTS } from '../../proxy-image/contract/ports.ts';
import type { ControlPlane, RawObject } from './control-plane.ts';
import { namespace, pod, service, servicePort, slice, sliceEndpoint } from './models.ts';
import { bundleProxy } from './proxy-bundle.ts';
import { ProxyProcess } from './proxy-process.ts';

/** Loopback addresses of this run: the mesh port is the same in every pod, so each pod needs an address of its own. */
const NET = `127.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}`;
const SERVER_IP = '10.1.0.1';
const CLIENT_IP = '10.1.0.2';
const FIRST_LISTENER = 15_001;
const POLICY = 'policy.linkerd.io';

/** What of a Service differs from one to the next; `port` is that of the application behind it. */
export interface PairedService {
  port: number;
  appProtocol?: ServiceModel['ports'][number]['appProtocol'];
  annotations?: Record<string, string>;
}

/** The pod `web-1`, whose applications are behind several Services, and `client-1` that calls them, in the namespace `app`: the bundle of the image on Bun. */
export class BundledPair<Name extends string> {
  readonly #names: readonly Name[];
  readonly #serverHost: string;
  readonly #clientHost: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'weft-bundle-'));
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly serving: ProxyProcess;
  readonly client: ProxyProcess;

  /** Bundles, which takes a second. @param place of the two loopback addresses, another one in each file */
  constructor(names: readonly Name[], place: number) {
    this.#names = names;
    this.#serverHost = `${NET}.${place}`;
    this.#clientHost = `${NET}.${place + 1}`;
    const common = { namespace: 'app', program: bundleProxy(this.#folder) };
    this.serving = new ProxyProcess({
      ...common,
      ...{ serviceAccount: 'web', pod: 'web-1', podIp: SERVER_IP },
      environment: { inboundListen: `${this.#serverHost}:${PROXY_PORTS.inboundMesh}` },
    });
    const outbound = names.map((name) => {
      const { host, port } = this.listenerOf(name);
      return { listen: `${host}:${port}`, destination: `${this.#addressOf(name)}:80` };
    });
    this.client = new ProxyProcess({
      ...common,
      ...{ serviceAccount: 'client', pod: 'client-1', podIp: CLIENT_IP },
      network: { outbound, addresses: { [SERVER_IP]: this.#serverHost } },
    });
  }

  /** Where a Service is called. */
  listenerOf(name: Name): { host: string; port: number } {
    return { host: this.#clientHost, port: FIRST_LISTENER + this.#names.indexOf(name) };
  }

  /** Resolves with the port, of the host that both pods reach applications on. */
  async listen(application: Server): Promise<number> {
    this.#servers.push(application);
    application.on('connection', (socket: Socket) => {
      socket.on('error', () => {});
      this.track(socket);
    });
    await new Promise<void>((resolve) => application.listen(0, this.#serverHost, resolve));
    return (application.address() as AddressInfo).port;
  }

  /** It is destroyed at the end. */
  track(socket: Socket): void {
    this.#sockets.add(socket);
  }

  /** The file of the bundle says from now on that it is read, and by which process: `hasLoaded`. */
  tellWhenLoaded(file: string): void {
    const mark = `require("node:fs").writeFileSync(${JSON.stringify(join(this.#folder, 'loaded-'))} + process.pid, "")`;
    appendFileSync(join(this.#folder, file), `\n;${mark};\n`);
  }

  hasLoaded({ pid }: Pick<ProxyProcess, 'pid'>): boolean {
    return existsSync(join(this.#folder, `loaded-${pid}`));
  }

  /** @param caller what of the pod `client-1` is not as usual */
  put(plane: ControlPlane, services: Readonly<Record<Name, PairedService>>, caller: Partial<PodModel> = {}): void {
    plane.put('Namespace', namespace('app'));
    plane.put('Pod', pod('web-1', SERVER_IP));
    plane.put('Pod', pod('client-1', CLIENT_IP, { serviceAccount: 'client', ...caller }));
    for (const name of this.#names) {
      const { port, appProtocol = '', annotations = {} } = services[name];
      const own = servicePort(80, { targetPort: port, appProtocol });
      const whole = service(name, this.#addressOf(name), { ports: [own] });
      plane.put('Service', { ...whole, meta: { ...whole.meta, annotations } });
      const endpoints = [sliceEndpoint(SERVER_IP, { targetPod: 'web-1' })];
      const ports = [{ name: 'http', port, protocol: 'TCP' as const }];
      plane.put('EndpointSlice', slice(`${name}-abc`, name, endpoints, { ports }));
    }
  }

  async start(plane: ControlPlane): Promise<void> {
    for (const proxy of [this.serving, this.client]) await proxy.start(plane).line('proxy is ready');
  }

  async remove(): Promise<void> {
    await this.client.remove();
    await this.serving.remove();
    for (const each of this.#servers) each.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.#folder, { recursive: true });
  }

  #addressOf(name: Name): string {
    return `10.0.0.${this.#names.indexOf(name) + 1}`;
  }
}

/** An object of the namespace `app`, as a watch brings it. */
export function appObject(
  apiVersion: string,
  kind: string,
  name: string,
  spec: object,
  annotations: object = {},
): RawObject {
  const metadata = { name, namespace: 'app', creationTimestamp: '2026-01-01T00:00:00Z', annotations };
  return { apiVersion, kind, metadata, spec };
}

/** A Server on a port of `web-1`. */
export function serverOf(name: string, port: number, proxyProtocol: string): RawObject {
  const podSelector = { matchLabels: { app: 'web' } };
  return appObject(`${POLICY}/v1beta3`, 'Server', name, { podSelector, port, proxyProtocol });
}

/** Lets `client-1` in. */
export function authorizationOf(group: string, kind: string, name: string): RawObject {
  return appObject(`${POLICY}/v1alpha1`, 'AuthorizationPolicy', `for-${name}`, {
    targetRef: { group, kind, name },
    requiredAuthenticationRefs: [{ kind: 'ServiceAccount', name: 'client' }],
  });
}
