import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreV1Api, DiscoveryV1Api, KubeConfig, type V1EndpointSlice, type V1Service } from '@kubernetes/client-node';

const SYNC_MS = 3_000;
const SERVICE_NAME = 'kubernetes.io/service-name';

interface Listener {
  server: Server;
  /** `address port` of who is ready. */
  targets: readonly [string, number][];
}

/** What kube-proxy is to a namespace: its Services' addresses lead to the endpoints that are ready. */
export class Services {
  readonly #core: CoreV1Api;
  readonly #discovery: DiscoveryV1Api;
  readonly #namespace: string;
  readonly #listeners = new Map<string, Listener>();
  readonly #sockets = new Set<Socket>();
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #next = 0;

  constructor(kubeconfigPath: string, namespace: string) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfigPath);
    this.#core = config.makeApiClient(CoreV1Api);
    this.#discovery = config.makeApiClient(DiscoveryV1Api);
    this.#namespace = namespace;
  }

  start(): this {
    this.#loop = this.#run();
    return this;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    for (const { server } of this.#listeners.values()) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#sync().catch((error: unknown) => console.error(`services: ${String(error)}`));
      await sleep(SYNC_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #sync(): Promise<void> {
    const namespace = this.#namespace;
    const [services, slices] = await Promise.all([
      this.#core.listNamespacedService({ namespace }),
      this.#discovery.listNamespacedEndpointSlice({ namespace }),
    ]);
    for (const service of services.items) {
      const { clusterIP = 'None', ports = [] } = service.spec ?? {};
      if (clusterIP === 'None') continue;
      for (const { name = '', port } of ports) {
        const listener = this.#listener(clusterIP, port);
        listener.targets = targetsOf(service, name, slices.items);
      }
    }
  }

  #listener(address: string, port: number): Listener {
    const key = `${address}:${port}`;
    const known = this.#listeners.get(key);
    if (known !== undefined) return known;
    const server = createServer((socket) => this.#forward(socket, listener.targets));
    const listener: Listener = { server, targets: [] };
    server.on('error', (error) => console.error(`services: ${String(error)}`));
    server.listen(port, address);
    this.#listeners.set(key, listener);
    return listener;
  }

  #forward(inbound: Socket, targets: Listener['targets']): void {
    this.#next += 1;
    const [host, port] = targets[this.#next % targets.length] ?? [];
    if (host === undefined || port === undefined) return void inbound.resetAndDestroy();
    const outbound = connect(port, host);
    for (const [socket, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    inbound.pipe(outbound).pipe(inbound);
  }
}

function targetsOf(service: V1Service, port: string, slices: readonly V1EndpointSlice[]): [string, number][] {
  return slices
    .filter(({ metadata }) => metadata?.labels?.[SERVICE_NAME] === service.metadata?.name)
    .flatMap(({ ports, endpoints }) => {
      // A slice of Pods that are not ready yet says null.
      const number = ports?.find(({ name = '' }) => name === port)?.port;
      if (number === undefined) return [];
      const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
      return ready.flatMap(({ addresses }) => addresses.map((address): [string, number] => [address, number]));
    });
}
