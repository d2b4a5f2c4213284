import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyFile, getJson, kubectl, NAMESPACE, ROOT, rollout } from '../kubectl.ts';
import { until } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';

interface Pod {
  metadata: { name: string; labels?: Record<string, string> };
  spec: { initContainers?: { name: string; restartPolicy?: string }[] };
  status: { conditions?: { type: string; status: string }[] };
}

export const WORKLOADS = ['deploy/web', 'deploy/catalog-v1', 'deploy/catalog-v2', 'deploy/stock', 'deploy/traffic'];

/** 2 web, 3 and 2 catalog, 2 stock, 1 traffic. */
const PODS = 10;

function meshedAndReady(pod: Pod): boolean {
  const sidecar = pod.spec.initContainers?.find((container) => container.name === 'linkerd-proxy');
  const isReady = pod.status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return sidecar?.restartPolicy === 'Always' && isReady === true;
}

const IMAGES_ANNOTATION = 'samples.weft.dev/images';

/** What the images were built from; a rebuilt image keeps its tag, so running pods would go on with the old one. */
function imageInputs(): string {
  return ['weft-proxy', 'weft-demo'].map(inputsOf).join('-');
}

function inputsOf(name: string): string {
  try {
    return readFileSync(join(ROOT, 'build', 'images', `${name}.tar.inputs`), 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

async function restartWhereImagesChanged(): Promise<void> {
  const namespace = await getJson<{ metadata: { annotations?: Record<string, string> } }>('namespace', NAMESPACE);
  const before = namespace.metadata.annotations?.[IMAGES_ANNOTATION];
  const now = imageInputs();
  if (before !== undefined && before !== now) {
    await kubectl(['-n', NAMESPACE, 'rollout', 'restart', ...WORKLOADS]);
    await kubectl(['-n', NAMESPACE, 'delete', 'pod', 'direct', '--ignore-not-found', '--wait=true']);
  }
  await kubectl(['annotate', '--overwrite', 'namespace', NAMESPACE, `${IMAGES_ANNOTATION}=${now}`]);
}

/** Waits until every workload runs and what it has replaced is gone. */
export async function allPods(): Promise<Check> {
  await rollout(NAMESPACE, ...WORKLOADS);
  const pods = await until('old pods gone', 60_000, async () => {
    const list = await getJson<{ items: Pod[] }>('pods', '-n', NAMESPACE, '-l', 'app in (web,catalog,stock,traffic)');
    return list.items.length === PODS ? list.items : null;
  });
  const good = pods.value.filter(meshedAndReady).length;
  return check('pods Ready with linkerd-proxy as native sidecar', `all ${PODS}`, good, good === PODS);
}

async function job(): Promise<Check> {
  await kubectl(['-n', NAMESPACE, 'delete', 'job', 'errand', '--ignore-not-found', '--wait=true']);
  await applyFile('samples/injection/job.yaml');
  const done = await kubectl(['-n', NAMESPACE, 'wait', '--for=condition=complete', 'job/errand', '--timeout=90s'], {
    anyStatus: true,
  });
  const pods = await getJson<{ items: Pod[] }>('pods', '-n', NAMESPACE, '-l', 'app=errand');
  const meshed = pods.items.some((pod) =>
    pod.spec.initContainers?.some((container) => container.name === 'linkerd-proxy'),
  );
  const measured = `${done.code === 0 ? 'complete' : done.stderr.trim()}, proxy ${meshed ? 'present' : 'absent'}`;
  return check('a Job with the sidecar', 'completes', measured, done.code === 0 && meshed);
}

export const pods: Step = {
  id: 'a',
  title: 'the sample application is in the mesh',
  commands: ['kubectl apply -f samples/app/manifests/app.yaml', 'kubectl apply -f samples/injection/job.yaml'],
  async run() {
    await applyFile('samples/app/manifests/app.yaml', 'samples/injection/outsider.yaml');
    await restartWhereImagesChanged();
    // Used by step h, which then need not wait for it.
    await applyFile('samples/direct-mode/pod.yaml');
    const ready = await allPods();
    await kubectl(['-n', 'outside', 'wait', '--for=condition=ready', 'pod/outsider', '--timeout=60s']);
    return [ready, await job()];
  },
};
