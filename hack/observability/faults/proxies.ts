/** Proxies that are stopped, killed, absent, or of another build than the operator. */
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { PROXY_CONTAINER } from '../../../proxy-image/contract/names.ts';
import { applyText, execApp, kubectl } from '../../demo/kubectl.ts';
import { processesOf } from '../../demo/processes.ts';
import { sleep, until } from '../../demo/shell.ts';
import { POLL, podsOf } from '../world.ts';
import { annotateService, create, type Fault, injectedPod, meshedPod, nothing, patchMesh } from './fault.ts';
import { OlderBuild } from './older-build.ts';

const STOPPED_MS = 8_000;
const RESTART_MS = 90_000;
const KILLS = 3;
/** Of Prometheus, more than one: a counter has to be seen before it grows. */
const SCRAPED_MS = 4_000;

function pidsOf(pod: V1Pod): number[] {
  const { uid = '', name = '' } = pod.metadata ?? {};
  return processesOf({ metadata: { uid, name } }, '/proxy.js');
}

/** What a proxy waits for meanwhile has a deadline, so that it looks at its own lag; and a change is on its way to it. */
export const stoppedProxy: Fault = {
  title: 'a proxy that is stopped for eight seconds, while it should renew its certificate',
  alerts: ['WeftProxyDown', 'WeftProxyBusy', 'WeftPropagationSlow', 'WeftRotationWaits'],
  async make() {
    const [pod] = await podsOf('caller');
    const pids = pidsOf(pod!);
    const slow = execApp('deploy/caller', ['get', `http://echo-slow.${POLL}.svc.cluster.local/slow?ms=12000`], POLL);
    await sleep(500);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await annotateService('echo', 'retry.linkerd.io/limit=2');
    await patchMesh({ rotation: { leaf: new Date().toISOString() } });
    await sleep(STOPPED_MS);
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    await slow.catch(nothing);
  },
  // What was asked for is carried out all the same.
  async mend() {
    await patchMesh({});
  },
};

export const killedProxy: Fault = {
  title: 'a proxy that is killed three times',
  alerts: ['WeftProxyRestarting'],
  async make() {
    const [pod] = await podsOf('patterns');
    for (let kill = 0; kill < KILLS; kill++) {
      const pids = await until('the proxy runs', RESTART_MS, async () => {
        try {
          return pidsOf(pod!);
        } catch {
          return null; // between two lives
        }
      });
      // It has to be seen alive.
      await sleep(3_000);
      for (const pid of pids.value) process.kill(pid, 'SIGKILL');
      await sleep(1_000);
    }
  },
  mend: nothing,
};

export const hostNetwork: Fault = {
  title: 'a pod on the host network that asks for a proxy',
  alerts: ['WeftInjectionSkipped'],
  async make() {
    const container = { name: 'app', image: 'localhost/weft-demo:dev', args: ['get', 'http://127.0.0.1:1/', '1'] };
    await applyText(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'host-network-2', namespace: POLL, annotations: { 'linkerd.io/inject': 'enabled' } },
        spec: { hostNetwork: true, restartPolicy: 'Never', containers: [container] },
      }),
    );
  },
  mend: nothing,
};

const UNMESHED = 'unmeshed';

/** A pod that is told to have a proxy when it runs already: what asks for one afterwards does not bring one. */
export async function makeUnmeshed(): Promise<void> {
  const { metadata, ...pod } = meshedPod(UNMESHED);
  await create({ ...pod, metadata: { ...metadata, annotations: {} } });
  await kubectl(['-n', POLL, 'annotate', 'pod', UNMESHED, 'linkerd.io/inject=enabled']);
}

export async function removeUnmeshed(): Promise<void> {
  await kubectl(['-n', POLL, 'delete', 'pod', UNMESHED, '--ignore-not-found']);
}

/** It is mended as the runbook says. */
export const lateAnnotation: Fault = {
  title: 'a pod that is told to have a proxy when it runs already',
  alerts: ['WeftPodsWithoutProxy'],
  make: makeUnmeshed,
  async mend() {
    await removeUnmeshed();
    await create(meshedPod(UNMESHED));
  },
};

const OLDER = 'older';
const BALANCED = 'echo-slow';
const BUILD_VOLUME = 'older-build';
/** Where the image has its program. */
const PROGRAM_FOLDER = '/weft';
const older = new OlderBuild();

/** The pod, with the proxy's program from a folder of this machine instead of the image's. */
function runningFrom(pod: V1Pod, path: string): V1Pod {
  const { containers, initContainers = [], volumes = [], ...rest } = pod.spec!;
  const mount = { name: BUILD_VOLUME, mountPath: PROGRAM_FOLDER, readOnly: true };
  const mounted = (container: V1Container): V1Container =>
    container.name === PROXY_CONTAINER
      ? { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] }
      : container;
  return {
    ...pod,
    spec: {
      ...rest,
      containers: containers.map(mounted),
      initContainers: initContainers.map(mounted),
      volumes: [...volumes, { name: BUILD_VOLUME, hostPath: { path, type: 'Directory' } }],
    },
  };
}

async function callBalanced(): Promise<void> {
  await kubectl(['-n', POLL, 'wait', '--for=condition=Ready', `pod/${OLDER}`, '--timeout=60s']);
  await execApp(`pod/${OLDER}`, ['get', `http://${BALANCED}.${POLL}.svc.cluster.local/item`], POLL);
}

/** What it was told first it understands, and goes on with. It is mended as the runbook says: by a pod that has the operator's own version. */
export const olderProxy: Fault = {
  title: 'a proxy of a build that knows no consistent hashing, by which a Service is then balanced',
  alerts: ['WeftConfigurationRefused'],
  async make() {
    await create(runningFrom(await injectedPod(OLDER), await older.make()));
    await callBalanced();
    await sleep(SCRAPED_MS);
    const hashed = ['balancer.weft.dev/algorithm=consistent-hash', 'balancer.weft.dev/hash-key=source'];
    await annotateService(BALANCED, ...hashed);
  },
  async mend() {
    await kubectl(['-n', POLL, 'delete', 'pod', OLDER, '--ignore-not-found']);
    older.remove();
    await create(meshedPod(OLDER));
    await callBalanced();
  },
};
