import type { V1Pod } from '@kubernetes/client-node';
import { MAX_PODS } from './addresses.ts';
import type { LocalApi } from './api.ts';
import { LocalPod, type LocalSettings } from './pod.ts';

const SYNC_MS = 200;
const LEASE_MS = 10_000;

interface Entry {
  pod: LocalPod;
  reported: string;
  stopping: boolean;
}

/**
 * The node of the embedded mode: takes every pod of the API server and runs it as processes of the current user. What it leaves out of a
 * kubelet: images, volumes other than the identity token, resource limits, restarts, and redirection (`linkerd-init` is not run).
 */
export class LocalKubelet {
  readonly #api: LocalApi;
  readonly #settings: LocalSettings;
  readonly #entries = new Map<string, Entry>();
  readonly #free: number[] = Array.from({ length: MAX_PODS }, (_, index) => index + 1);
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();
  #leaseAtMs = 0;

  constructor(api: LocalApi, settings: LocalSettings) {
    this.#api = api;
    this.#settings = settings;
  }

  async start(): Promise<void> {
    await this.#api.createNode();
    this.#loop = this.#run();
  }

  /** The running pod whose name starts with `prefix`. */
  find(prefix: string): LocalPod | null {
    const running = [...this.#entries].filter(([, entry]) => !entry.stopping);
    return running.find(([key]) => key.split('/')[1]!.startsWith(prefix))?.[1].pod ?? null;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    await Promise.all([...this.#entries.values()].map((entry) => entry.pod.stop()));
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      // A failing API server is nothing to die of: the next round asks again.
      await this.#sync().catch((error: unknown) => console.error(`embedded node: ${String(error)}`));
      await new Promise((done) => setTimeout(done, SYNC_MS));
    }
  }

  async #sync(): Promise<void> {
    if (performance.now() - this.#leaseAtMs > LEASE_MS) {
      this.#leaseAtMs = performance.now();
      await this.#api.renewLease();
    }
    const pods = await this.#api.pods();
    const alive = new Set(pods.map(keyOf));
    for (const key of this.#entries.keys()) if (!alive.has(key)) void this.#end(key, null);
    await Promise.all(pods.map((pod) => this.#syncPod(pod)));
  }

  async #syncPod(pod: V1Pod): Promise<void> {
    const key = keyOf(pod);
    const entry = this.#entries.get(key);
    if (pod.metadata?.deletionTimestamp !== undefined) return void this.#end(key, pod);
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
    if (entry === undefined) return this.#begin(key, pod);
    if (entry.stopping) return;
    if (entry.pod.exitCode !== null) return this.#finish(key, entry, pod);
    const proxyReady = await entry.pod.proxyReady();
    if (proxyReady) entry.pod.startApp();
    await this.#report(entry, pod, proxyReady && (await entry.pod.appReady()));
  }

  async #begin(key: string, pod: V1Pod): Promise<void> {
    const number = this.#free.shift();
    if (number === undefined) return;
    const services = await this.#api.services();
    const local = new LocalPod(pod, number, services, this.#settings);
    this.#entries.set(key, { pod: local, reported: '', stopping: false });
    if (pod.spec?.nodeName === undefined) await this.#api.bind(pod);
    local.startProxy(await this.#api.token(pod, LocalPod.audience));
  }

  async #report(entry: Entry, pod: V1Pod, ready: boolean): Promise<void> {
    if (entry.reported === String(ready)) return;
    entry.reported = String(ready);
    const status = ready ? 'True' : 'False';
    const now = new Date().toISOString();
    const condition = (type: string, value: string): object => ({ type, status: value, lastTransitionTime: now });
    await this.#api.setStatus(pod, {
      phase: 'Running',
      podIP: entry.pod.address,
      podIPs: [{ ip: entry.pod.address }],
      startTime: now,
      conditions: [
        condition('PodScheduled', 'True'),
        condition('Initialized', 'True'),
        condition('ContainersReady', status),
        condition('Ready', status),
      ],
    });
  }

  /** The application ended by itself: a Job is done (native sidecars end with it). */
  async #finish(key: string, entry: Entry, pod: V1Pod): Promise<void> {
    entry.stopping = true;
    const phase = entry.pod.exitCode === 0 ? 'Succeeded' : 'Failed';
    await entry.pod.stop();
    await this.#api.setStatus(pod, { phase });
    this.#release(key, entry);
  }

  async #end(key: string, pod: V1Pod | null): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry?.stopping === true) return;
    if (entry !== undefined) {
      entry.stopping = true;
      await entry.pod.stop();
      this.#release(key, entry);
    }
    if (pod !== null) await this.#api.remove(pod);
  }

  #release(key: string, entry: Entry): void {
    this.#entries.delete(key);
    // To the end: an address is reused as late as possible.
    this.#free.push(entry.pod.number);
  }
}

function keyOf(pod: V1Pod): string {
  return `${pod.metadata?.namespace}/${pod.metadata?.name}/${pod.metadata?.uid}`;
}
