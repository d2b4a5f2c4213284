import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../../../cli/install/object.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { apply, kubectl, read } from './kubectl.ts';
import type { SmallNode } from './node.ts';

const SHOP = 'shop';
const TEAM = 'team';
const UNREADY_STEPS = 1;

/** What goes on in any cluster while nobody commits anything: none of it touches what stands in Git. */
export class Life {
  readonly #api: TestApiServer;
  readonly #node: SmallNode;
  readonly #stepMs: number;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #step = 0;
  /** How often what has happened. */
  readonly counts = new Map<string, number>();

  constructor(api: TestApiServer, node: SmallNode, stepMs: number) {
    this.#api = api;
    this.#node = node;
    this.#stepMs = stepMs;
  }

  async begin(): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: TEAM } };
    await apply(this.#api, [namespace, deployment('web', 2), deployment('orders', 1)], ['--server-side']);
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    // A leader goes seldom, pods come and go often.
    const often = [this.#scale, this.#unready, this.#evict, this.#others];
    while (!this.#stop.signal.aborted) {
      await sleep(this.#stepMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      const step = this.#step++;
      const next = step % 16 === 7 ? this.#leader : step % 16 === 15 ? this.#rollout : often[step % often.length]!;
      await next.call(this, step).catch((error: unknown) => console.error(`life: ${String(error)}`));
    }
  }

  async #scale(step: number): Promise<void> {
    await kubectl(this.#api, ['-n', SHOP, 'scale', 'deployment/web', `--replicas=${1 + (step % 3)}`]);
    this.#count('scaled');
  }

  async #unready(): Promise<void> {
    const [pod] = await read(this.#api, ['pods', '-n', SHOP, '-l', 'app=web']);
    if (pod === undefined) return;
    this.#node.unready.add(pod.metadata.name);
    this.#count('unready for a while');
    await sleep(UNREADY_STEPS * this.#stepMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    this.#node.unready.delete(pod.metadata.name);
  }

  async #evict(step: number): Promise<void> {
    const pods = await read(this.#api, ['pods', '-n', SHOP]);
    const pod = pods[step % pods.length];
    if (pod === undefined) return;
    await kubectl(this.#api, ['-n', SHOP, 'delete', 'pod', pod.metadata.name, '--wait=false']);
    this.#count('pods evicted');
  }

  /** Another team's objects, which name those in Git or are beside them: created, changed, deleted. */
  async #others(step: number): Promise<void> {
    const metadata = { name: 'guest', namespace: TEAM };
    if (step % 3 === 2) {
      await kubectl(this.#api, ['-n', TEAM, 'delete', 'servers.policy.linkerd.io', 'guest', '--ignore-not-found']);
      return this.#count('deleted beside');
    }
    const spec = { podSelector: { matchLabels: { app: 'web' } }, port: 8_000 + step, proxyProtocol: 'HTTP/1' };
    const server = { apiVersion: 'policy.linkerd.io/v1beta3', kind: 'Server', metadata, spec };
    await apply(this.#api, [server as KubeObject], ['--server-side']);
    this.#count('applied beside');
  }

  async #leader(): Promise<void> {
    const [lease] = await read(this.#api, ['lease', '-n', CONTROL_PLANE_NAMESPACE, 'weft-operator']);
    const { holderIdentity = '' } = (lease as { spec?: { holderIdentity?: string } } | undefined)?.spec ?? {};
    if (holderIdentity === '') return;
    await kubectl(this.#api, ['-n', CONTROL_PLANE_NAMESPACE, 'delete', 'pod', holderIdentity, '--wait=false']);
    this.#count('leaders ended');
  }

  async #rollout(): Promise<void> {
    await kubectl(this.#api, ['-n', SHOP, 'rollout', 'restart', 'deployment/orders']);
    this.#count('rollouts');
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

function deployment(name: string, replicas: number): KubeObject {
  const labels = { app: name };
  const container = { name: 'app', image: 'localhost/app:dev', ports: [{ name: 'http', containerPort: 8_080 }] };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: SHOP }, spec };
}
