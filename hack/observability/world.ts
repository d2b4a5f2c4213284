import type { V1Pod } from '@kubernetes/client-node';
import { applyFile, execApp, getJson, kubectl } from '../demo/kubectl.ts';
import { sleep, until } from '../demo/shell.ts';
import { discover, type TargetGroup } from './discovery.ts';
import type { RelabelRule } from './files.ts';
import type { Prometheus } from './prometheus.ts';
import type { Selections } from './queries.ts';

export const POLL = 'poll';
const WORKLOADS = ['patterns', 'ballots', 'web', 'voters', 'echo', 'caller'].map((name) => `deploy/${name}`);
const READY_MS = 120_000;
const DISCOVERY_MS = 1_000;
/** Two requests each, and more than what the rate limit of world.yaml lets through two pods. */
export const VOTES_PER_SECOND = 40;

/** Where the demonstration runs: in a cluster, or as processes of this machine (the embedded mode). */
export interface Place {
  /** Addresses of pods as they are reached from here. */
  addressing: readonly RelabelRule[];
  reach(podAddress: string): string;
  /** Of the operator, where it is no pod. */
  operator: readonly TargetGroup[];
  /** HTTPS, of the webhook that injects. */
  injectUrl(): Promise<string>;
}

/** What is looked at on each dashboard. */
export async function selections(): Promise<Selections> {
  const [web] = (await podsOf('web')).map(({ metadata }) => metadata?.name ?? '');
  return {
    namespace: [{ namespace: POLL }],
    deployment: [{ namespace: POLL, deployment: 'web' }],
    pod: [{ namespace: POLL, pod: web ?? '' }],
    service: [{ namespace: POLL, service: 'echo' }],
    route: [{ namespace: POLL, deployment: 'web', dst: `ballots.${POLL}.svc.cluster.local:8080` }],
    server: [
      { namespace: POLL, server: 'web-http' },
      { namespace: POLL, server: 'echo-tcp' },
    ],
  };
}

/** Without those that are on their way out. */
export async function podsOf(app: string): Promise<V1Pod[]> {
  const { items } = await getJson<{ items: V1Pod[] }>('pods', '-n', POLL, '-l', `app=${app}`);
  return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
}

export async function deployWorld(): Promise<void> {
  // From before, perhaps: its pods would have been admitted before anybody counted.
  await kubectl(['delete', 'namespace', POLL, '--ignore-not-found', '--timeout=90s']);
  // In this order: in the embedded mode a pod knows the Services that there were when it began.
  await applyFile('hack/observability/world.yaml');
  await applyFile('samples/poll/manifests/poll.yaml');
  await until('the workloads are ready', READY_MS, async () => {
    const args = ['-n', POLL, 'get', ...WORKLOADS, '-o', 'json'];
    type List = { items: { spec: { replicas: number }; status: { readyReplicas?: number } }[] };
    const { items } = JSON.parse((await kubectl(args)).stdout) as List;
    return items.every(({ spec, status }) => status.readyReplicas === spec.replicas) ? true : null;
  });
  await setRate(VOTES_PER_SECOND);
}

export function setRate(perSecond: number): Promise<string> {
  return execApp('deploy/voters', ['ctl', 'POST', `/rate?perSecond=${perSecond}`], POLL);
}

/** Tells Prometheus of the pods, again and again, until `stop`. */
export function keepDiscovering(prometheus: Prometheus, place: Pick<Place, 'operator'>): { stop(): Promise<void> } {
  let isStopped = false;
  const loop = (async () => {
    while (!isStopped) {
      // An API server that is away for a moment changes nothing.
      const pods = await getJson<{ items: V1Pod[] }>('pods', '-A').catch(() => null);
      if (pods !== null) prometheus.discovered([...discover(pods.items), ...place.operator]);
      await sleep(DISCOVERY_MS);
    }
  })();
  return {
    stop() {
      isStopped = true;
      return loop;
    },
  };
}
