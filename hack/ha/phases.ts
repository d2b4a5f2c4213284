import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { getJson, kubectl, ROOT, rollout } from '../demo/kubectl.ts';
import { sleep, until } from '../demo/shell.ts';
import { type Check, check } from '../demo/step.ts';
import { CALLS_PER_SECOND, type Tolerated } from './loads.ts';
import {
  callerPod,
  deletePod,
  hasProxy,
  isReady,
  kill,
  LOST_NODE,
  leader,
  NAMESPACE,
  podsOf,
  replicaOf,
  replicas,
  SYSTEM,
  whole,
} from './world.ts';

/** What a phase may ask of the run. */
export interface Run {
  say(text: string): void;
  /** Changes the route now, or as soon as the API server takes it. */
  change(limitMs?: number): Promise<void>;
}

export interface PhaseOfLosses {
  id: string;
  title: string;
  /** Requests that may be lost; without an entry, none. */
  tolerated?: Tolerated;
  /** Ends with everything in place again. */
  act(run: Run): Promise<Check[]>;
}

/** For what a phase began to show itself, after all is in place again. */
const SETTLE_MS = 2_000;
const ETCD_AWAY_S = 20;
/** The API server itself waits ever longer between its attempts to reach etcd. */
const ETCD_LIMIT_MS = 120_000;
/** The lease (15 s) and a retry, and a while for the next leader to hear from the other replicas. */
const STATUS_LIMIT_MS = 30_000;
const STATUS_WAIT_MS = 60_000;
const PODS_DURING_ROLLOUT = 12;
const EVERY_MS = 1_500;
/** 6 s until it is missed, and some tries: two addresses of three are dead. */
const RECONNECTED_MS = 30_000;

async function script(name: string, ...args: string[]): Promise<void> {
  const [code] = await once(spawn(join(ROOT, 'hack/cluster', name), args, { stdio: 'ignore' }), 'exit');
  if (code !== 0) throw new Error(`hack/cluster/${name} ${args.join(' ')}: exit status ${code}`);
}

async function inPlace(run: Run): Promise<void> {
  const ms = await whole();
  run.say(`three replicas ready after ${(ms / 1000).toFixed(1)} s`);
  await sleep(SETTLE_MS);
}

const steady: PhaseOfLosses = {
  id: 'steady',
  title: 'nothing is lost',
  async act(run) {
    await sleep(3_000);
    await run.change();
    await inPlace(run);
    return [];
  },
};

const follower: PhaseOfLosses = {
  id: 'follower',
  title: 'a replica that does not lead is killed (SIGKILL), that of the caller where it is one',
  async act(run) {
    const leads = await leader();
    const connected = await replicaOf(await callerPod());
    const others = (await replicas()).filter(({ metadata }) => metadata.name !== leads.metadata.name);
    const victim = others.find(({ metadata }) => metadata.name === connected?.metadata.name) ?? others[0]!;
    run.say(
      `${victim.metadata.name} on ${victim.spec.nodeName} is killed; the caller was on ${connected?.metadata.name}`,
    );
    kill(victim);
    await run.change();
    await inPlace(run);
    return [];
  },
};

const leading: PhaseOfLosses = {
  id: 'leader',
  title: 'the leader is killed (SIGKILL)',
  async act(run) {
    const leads = await leader();
    const startedMs = performance.now();
    run.say(`${leads.metadata.name} on ${leads.spec.nodeName} is killed`);
    kill(leads);
    await run.change();
    await until('the status of the change', STATUS_WAIT_MS, async () => ((await isProgrammed()) ? true : null)).catch(
      () => null,
    );
    const tookMs = performance.now() - startedMs;
    run.say(`its status is written ${(tookMs / 1000).toFixed(1)} s after the kill`);
    await inPlace(run);
    return [
      check(
        'the status of a change made without a leader',
        `written ${STATUS_LIMIT_MS / 1000} s after the kill`,
        `${(tookMs / 1000).toFixed(1)} s`,
        tookMs <= STATUS_LIMIT_MS,
      ),
    ];
  },
};

interface Route {
  metadata: { generation: number };
  status?: { parents?: { conditions?: { type: string; status: string; observedGeneration?: number }[] }[] };
}

async function isProgrammed(): Promise<boolean> {
  const { metadata, status } = await getJson<Route>('httproute', 'web', '-n', NAMESPACE);
  const conditions = status?.parents?.flatMap((parent) => parent.conditions ?? []) ?? [];
  return conditions.some(
    ({ type, status: value, observedGeneration }) =>
      type === 'weft.dev/Programmed' && value === 'True' && observedGeneration === metadata.generation,
  );
}

const graceful: PhaseOfLosses = {
  id: 'drain',
  title: 'a replica is deleted as a drain does it',
  async act(run) {
    const victim = (await replicaOf(await callerPod())) ?? (await leader());
    run.say(`${victim.metadata.name} on ${victim.spec.nodeName} is deleted`);
    await deletePod(victim, SYSTEM);
    await run.change();
    await inPlace(run);
    return [];
  },
};

/** A pod by itself: nobody makes it again when it has missed the injector. */
const single = (name: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, labels: { app: 'newcomer' } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        { name: 'app', image: 'localhost/weft-demo:dev', imagePullPolicy: 'IfNotPresent', args: ['traffic'] },
      ],
    },
  });

async function newcomersWithProxies(wanted: number): Promise<Check> {
  const pods = await podsOf(NAMESPACE, 'app=newcomer');
  const injected = pods.filter(hasProxy).length;
  return check(
    'pods created meanwhile that have a proxy',
    `${wanted} of ${wanted}`,
    `${injected} of ${pods.length}`,
    injected === wanted && pods.length === wanted,
  );
}

const rolling: PhaseOfLosses = {
  id: 'rollout',
  title: 'kubectl rollout restart of the operator, pods are created meanwhile',
  async act(run) {
    await kubectl(['-n', SYSTEM, 'rollout', 'restart', 'deploy/weft-operator']);
    for (let i = 0; i < PODS_DURING_ROLLOUT; i++) {
      await kubectl(['create', '-f', '-'], { input: single(`newcomer-${i}`) });
      if (i === 3) await run.change();
      await sleep(EVERY_MS);
    }
    await rollout(SYSTEM, 'deploy/weft-operator');
    await inPlace(run);
    const checks = [await newcomersWithProxies(PODS_DURING_ROLLOUT)];
    await kubectl(['-n', NAMESPACE, 'delete', 'pods', '-l', 'app=newcomer', '--wait=false']);
    return checks;
  },
};

const etcd: PhaseOfLosses = {
  id: 'etcd',
  title: `etcd is killed, and away for ${ETCD_AWAY_S} s`,
  async act(run) {
    const startedMs = performance.now();
    const isBack = script('restart', 'etcd', '--kill', '--after', String(ETCD_AWAY_S)).then(() =>
      run.say(`the API server is ready again after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`),
    );
    await sleep(2_000);
    await run.change(ETCD_LIMIT_MS);
    await isBack;
    await inPlace(run);
    return [];
  },
};

/** Leader, and replica of the caller, on the node that is lost: nothing is harder. */
async function gatherOnLostNode(run: Run): Promise<void> {
  for (let i = 0; i < 6 && (await leader()).spec.nodeName !== LOST_NODE; i++) {
    const leads = await leader();
    await deletePod(leads, SYSTEM);
    await leader(leads.metadata.name);
    await whole();
  }
  for (let i = 0; i < 8; i++) {
    const at = await replicaOf(await callerPod());
    if (at?.spec.nodeName === LOST_NODE) break;
    if (at !== null) kill(at);
    await sleep(1_500);
    await whole();
  }
  const [leads, at] = [await leader(), await replicaOf(await callerPod())];
  run.say(`the leader is on ${leads.spec.nodeName}, the caller is connected to a replica on ${at?.spec.nodeName}`);
}

const node: PhaseOfLosses = {
  id: 'node',
  title:
    'a node is cut off without a word and loses power: two replicas of four of the application, leader and replica of the caller',
  // Calls (POST) that were sent there before it was noticed: as many as are sent in 3 s.
  tolerated: { 'gRPC calls': { most: 3 * CALLS_PER_SECOND, reason: 'the connection was lost' } },
  async act(run) {
    run.say(`${LOST_NODE} is lost`);
    const before = await leader();
    const caller = await callerPod();
    const startedMs = performance.now();
    await script('node', '2', 'kill');
    const connected = until('a living replica', RECONNECTED_MS, async () => replicaOf(caller), 200).then(
      () => performance.now() - startedMs,
    );
    await run.change();
    const connectedMs = await connected;
    run.say(`the caller is connected to a replica that lives ${(connectedMs / 1000).toFixed(1)} s after the loss`);
    const after = await leader(before.metadata.name);
    run.say(`${after.metadata.name} leads ${((performance.now() - startedMs) / 1000).toFixed(1)} s after the loss`);
    await until(
      'the node is known to be lost',
      120_000,
      async () => {
        const { stdout } = await kubectl([
          'get',
          'node',
          LOST_NODE,
          '-o',
          'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
        ]);
        return stdout === 'True' ? null : true;
      },
      1_000,
    );
    run.say(`Kubernetes knows it ${((performance.now() - startedMs) / 1000).toFixed(1)} s after the loss`);
    await sleep(SETTLE_MS);
    return [
      check(
        'the caller is connected to a replica that lives',
        `within ${RECONNECTED_MS / 1000} s`,
        `${(connectedMs / 1000).toFixed(1)} s`,
        connectedMs <= RECONNECTED_MS,
      ),
    ];
  },
};

const back: PhaseOfLosses = {
  id: 'back',
  title: 'the node is back',
  async act(run) {
    await script('node', '2', 'restore');
    await run.change();
    await rollout(NAMESPACE, 'deploy/web');
    await inPlace(run);
    const pods = (await podsOf(NAMESPACE, 'app=web')).filter(isReady);
    return [check('replicas of the application ready', '4', pods.length, pods.length === 4)];
  },
};

const split: PhaseOfLosses = {
  id: 'split',
  title: 'kubectl apply -k kustomize/overlays/split-roles: each role in a Deployment of its own',
  async act(run) {
    await kubectl(['apply', '-k', join(ROOT, 'kustomize/overlays/split-roles')]);
    const parts = ['weft-operator', 'weft-config', 'weft-identity', 'weft-webhooks'];
    await rollout(SYSTEM, ...parts.map((name) => `deploy/${name}`));
    await run.change();
    await kubectl(['create', '-f', '-'], { input: single('newcomer-split') });
    const ready = await until('a new pod is ready: injected, with a certificate, and configured', 30_000, async () =>
      (await podsOf(NAMESPACE, 'app=newcomer')).some(
        (pod) => pod.metadata.name === 'newcomer-split' && hasProxy(pod) && isReady(pod),
      )
        ? true
        : null,
    );
    await sleep(SETTLE_MS);
    return [check('a new pod', 'injected and ready within 30 s', `${(ready.ms / 1000).toFixed(1)} s`, true)];
  },
};

const gather: PhaseOfLosses = {
  id: 'gather',
  title: 'replicas are killed until leader and replica of the caller are on the node that will be lost',
  async act(run) {
    await gatherOnLostNode(run);
    await run.change();
    await inPlace(run);
    return [];
  },
};

export const PHASES: readonly PhaseOfLosses[] = [
  steady,
  follower,
  leading,
  graceful,
  rolling,
  etcd,
  gather,
  node,
  back,
  split,
];
