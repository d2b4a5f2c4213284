import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { LocalApi } from '../../../hack/local/api.ts';
import { LocalPod } from '../../../hack/local/pod.ts';
import { CONTROL_PLANE_NAMESPACE, PROXY_CONTAINER } from '../../../proxy-image/contract/names.ts';
import { OPERATOR_PORTS } from '../../../proxy-image/contract/ports.ts';
import { OperatorPod } from './operator-pod.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** What a kubelet's watch tells at once is asked for here, seldom: this is to run beside other work. */
const SYNC_MS = 3_000;
const LEASE_MS = 10_000;
const API_AUDIENCE = 'https://kubernetes.default.svc.cluster.local';
const PODS_MAX = 100;

/** What runs of a pod: the operator, a proxy, or nothing. */
interface Running {
  address: string;
  ready(): Promise<boolean>;
  stop(): Promise<void>;
}

interface Entry {
  number: number;
  running: Running;
  reported: string;
  isStopping: boolean;
}

/**
 * The only node: takes every pod, runs the operator's and the proxies of injected ones as processes, and says of each whether it is ready. Of applications it runs
 * nothing.
 */
export class SmallNode {
  readonly #api: LocalApi;
  readonly #server: TestApiServer;
  readonly #directory: string;
  readonly #controlHost: string;
  readonly #entries = new Map<string, Entry>();
  readonly #free = Array.from({ length: PODS_MAX }, (_, at) => at + 1);
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Names of pods that are said not to be ready. */
  readonly unready = new Set<string>();
  begun = 0;
  ended = 0;

  /** @param controlHost address of the Service by which proxies find the operator */
  constructor(server: TestApiServer, directory: string, controlHost: string) {
    this.#server = server;
    this.#api = new LocalApi(server.kubeconfigPath);
    this.#directory = directory;
    this.#controlHost = controlHost;
  }

  async start(): Promise<void> {
    await this.#api.createNode();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all([...this.#entries.values()].map(({ running }) => running.stop()));
  }

  async #run(): Promise<void> {
    let leasedMs = performance.now();
    while (!this.#stop.signal.aborted) {
      try {
        if (performance.now() - leasedMs > LEASE_MS) {
          leasedMs = performance.now();
          await this.#api.renewLease();
        }
        await this.#sync();
      } catch (error) {
        console.error(`node: ${String(error)}`);
      }
      await sleep(SYNC_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #sync(): Promise<void> {
    const pods = await this.#api.pods();
    const alive = new Set(pods.map((pod) => pod.metadata?.uid ?? ''));
    for (const uid of this.#entries.keys()) if (!alive.has(uid)) this.#end(uid, null);
    for (const pod of pods) await this.#syncPod(pod).catch(unlessGone);
  }

  async #syncPod(pod: V1Pod): Promise<void> {
    const { uid = '', name = '', deletionTimestamp } = pod.metadata ?? {};
    if (deletionTimestamp !== undefined) return this.#end(uid, pod);
    const entry = this.#entries.get(uid);
    if (entry === undefined) return this.#begin(uid, pod);
    const ready = (await entry.running.ready()) && !this.unready.has(name);
    if (entry.reported === String(ready)) return;
    entry.reported = String(ready);
    await this.#api.setStatus(pod, statusOf(entry.running.address, ready));
  }

  async #begin(uid: string, pod: V1Pod): Promise<void> {
    const number = this.#free.shift();
    if (number === undefined) return;
    await this.#api.bind(pod);
    const running = await this.#running(pod, number);
    this.#entries.set(uid, { number, running, reported: '', isStopping: false });
    this.begun += 1;
  }

  async #running(pod: V1Pod, number: number): Promise<Running> {
    if (pod.metadata?.namespace === CONTROL_PLANE_NAMESPACE) {
      const token = await this.#api.token(pod, API_AUDIENCE);
      return new OperatorPod(this.#server, pod, `10.244.1.${number}`, token, this.#directory);
    }
    const local = new LocalPod(pod, number, [], {
      root: ROOT,
      directory: this.#directory,
      nodePath: '',
      bunPath: join(ROOT, 'node_modules', '.bin', 'bun'),
      controlHost: this.#controlHost,
      configPort: OPERATOR_PORTS.config,
      identityPort: OPERATOR_PORTS.identity,
    });
    const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
    const isMeshed = containers.some(({ name }) => name === PROXY_CONTAINER);
    local.startProxy(isMeshed ? await this.#api.token(pod, LocalPod.audience) : '');
    return { address: local.address, ready: () => local.proxyReady(), stop: () => local.stop() };
  }

  #end(uid: string, pod: V1Pod | null): void {
    const entry = this.#entries.get(uid);
    if (entry?.isStopping === true) return;
    if (entry !== undefined) entry.isStopping = true;
    const gone = async () => {
      await entry?.running.stop();
      if (pod !== null) await this.#api.remove(pod);
      this.#entries.delete(uid);
      if (entry === undefined) return;
      this.#free.push(entry.number);
      this.ended += 1;
    };
    gone().catch((error: unknown) => console.error(`node: ${String(error)}`));
  }
}

/** A pod may be deleted while it is looked at; the next look finds it gone. */
function unlessGone(error: unknown): void {
  if ((error as { code?: number }).code !== 404) throw error;
}

function statusOf(address: string, ready: boolean): object {
  const now = new Date().toISOString();
  const status = ready ? 'True' : 'False';
  const condition = (type: string, value: string): object => ({ type, status: value, lastTransitionTime: now });
  return {
    phase: 'Running',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: now,
    conditions: [
      condition('PodScheduled', 'True'),
      condition('Initialized', 'True'),
      condition('ContainersReady', status),
      condition('Ready', status),
    ],
  };
}
