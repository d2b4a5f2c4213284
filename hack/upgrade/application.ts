import { applyFile, applyText, get, getJson, kubectl, rollout } from '../demo/kubectl.ts';
import { metricsOf } from '../demo/metrics.ts';
import { until } from '../demo/shell.ts';
import { type Check, check } from '../demo/step.ts';
import type { Generator } from '../demo/traffic.ts';
import type { Build } from './builds.ts';

export const NAMESPACE = 'upgrade';
export const URL_OF_WEB = `http://web.${NAMESPACE}.svc.cluster.local`;
const WORKLOADS = ['deploy/web', 'deploy/caller-one', 'deploy/caller-two'];

const EFFECT_LIMIT_MS = 20_000;
const GONE_LIMIT_MS = 60_000;
const REFRESHES = 'control_identity_cert_refreshes_total';
/** What the application takes for `/slow`, and what a route leaves it. */
const SLOW_MS = 600;
const TIMEOUT_MS = 150;

interface Container {
  name: string;
  image: string;
}

export interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string; labels?: Record<string, string> };
  spec: { containers: Container[]; initContainers?: Container[] };
  status: {
    phase: string;
    containerStatuses?: { restartCount: number }[];
    initContainerStatuses?: { restartCount: number }[];
  };
}

export async function deploy(): Promise<void> {
  await applyFile('hack/upgrade/application.yaml');
  await rollout(NAMESPACE, ...WORKLOADS);
}

/** A short-lived certificate is renewed while a build is replaced. */
export async function certificateLifetime(lifetime: string): Promise<void> {
  const identity = { certificateLifetime: lifetime };
  await applyText(
    JSON.stringify({
      apiVersion: 'weft.dev/v1alpha1',
      kind: 'Mesh',
      metadata: { name: 'default' },
      spec: { identity },
    }),
  );
}

/** Pods that run and are to go on running. */
export async function pods(namespace = NAMESPACE): Promise<Pod[]> {
  const { items } = await getJson<{ items: Pod[] }>('pods', '-n', namespace);
  return items.filter(({ metadata, status }) => status.phase === 'Running' && metadata.deletionTimestamp === undefined);
}

export async function uids(namespace?: string): Promise<string> {
  return (await pods(namespace))
    .map(({ metadata }) => `${metadata.name} ${metadata.uid}`)
    .toSorted()
    .join(' ');
}

/** Long lists are shown where they differ. */
export function unchanged(what: string, before: string, now: string): Check {
  const [wanted, found] = [new Set(before.split(' ')), now.split(' ')];
  const changed = [
    ...found.filter((each) => !wanted.has(each)),
    ...[...wanted].filter((each) => !found.includes(each)),
  ];
  return check(what, 'as before', changed.join(' ') || 'as before', before === now);
}

export async function restarted(): Promise<Check> {
  const counts = (await pods()).flatMap(({ status }) =>
    [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].map((each) => each.restartCount),
  );
  const all = counts.reduce((total, count) => total + count, 0);
  return check('containers restarted', '0', all, all === 0);
}

export function proxyImageOf({ spec }: Pod): string {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  return all.find(({ name }) => name === 'linkerd-proxy')?.image ?? 'none';
}

/** Of every pod of the application, or of those that are named by their label. */
export async function proxiesAre(build: Pick<Build, 'proxyImage'> | null, app?: string): Promise<Check> {
  const chosen = (await pods()).filter(({ metadata }) => app === undefined || metadata.labels?.['app'] === app);
  const images = [...new Set(chosen.map(proxyImageOf))].toSorted().join(', ');
  const wanted = build?.proxyImage ?? 'none';
  return check(`proxies of ${app ?? 'all pods'}`, wanted, images, images === wanted);
}

/** A rolling restart, until none of the pods of before is left. */
export async function restartWeb(): Promise<void> {
  const before = new Set((await pods()).map(({ metadata }) => metadata.uid));
  await kubectl(['-n', NAMESPACE, 'rollout', 'restart', 'deploy/web']);
  await rollout(NAMESPACE, 'deploy/web');
  await until('the pods of before are gone', GONE_LIMIT_MS, async () => {
    const { items } = await getJson<{ items: Pod[] }>('pods', '-n', NAMESPACE, '-l', 'app=web');
    return items.some(({ metadata }) => before.has(metadata.uid)) ? null : true;
  });
}

function profile(timeout: string | null): string {
  const condition = { method: 'GET', pathRegex: '/slow' };
  const routes = timeout === null ? [] : [{ name: 'slow', condition, timeout }];
  return JSON.stringify({
    apiVersion: 'linkerd.io/v1alpha2',
    kind: 'ServiceProfile',
    metadata: { name: `web.${NAMESPACE}.svc.cluster.local`, namespace: NAMESPACE },
    spec: { routes },
  });
}

/** Applies a profile until requests from `caller` are answered as it says. */
async function takesEffect(caller: Generator, timeout: string | null, status: number): Promise<Check> {
  await applyText(profile(timeout));
  let last = '';
  const found = await until('the profile', EFFECT_LIMIT_MS, async () => {
    const [answer] = await get(caller.target, `${URL_OF_WEB}/slow?ms=${SLOW_MS}`, 1, caller.namespace);
    last = `${answer?.status} after ${answer?.ms} ms`;
    return answer?.status === status ? true : null;
  }).catch(() => null);
  const measured = found === null ? last : `${last}, ${(found.ms / 1000).toFixed(1)} s after it was applied`;
  return check(
    `a ServiceProfile ${timeout === null ? 'without' : 'with'} a timeout`,
    `${status}`,
    measured,
    found !== null,
  );
}

export async function routingChanges(caller: Generator): Promise<Check[]> {
  return [await takesEffect(caller, `${TIMEOUT_MS}ms`, 504), await takesEffect(caller, null, 200)];
}

/** How many certificates the proxy of each pod has got, by the pod's name. */
export async function certificates(): Promise<Map<string, number>> {
  const meshed = (await pods()).filter((pod) => proxyImageOf(pod) !== 'none');
  const counts = meshed.map(async ({ metadata: { name } }): Promise<[string, number]> => {
    const text = await metricsOf(name, NAMESPACE);
    const line = text.split('\n').find((each) => each.startsWith(`${REFRESHES} `));
    return [name, Number(line?.split(' ')[1] ?? 0)];
  });
  return new Map(await Promise.all(counts));
}

/** Every proxy gets another certificate than it had. */
export async function renewed(before: ReadonlyMap<string, number>, limitMs: number): Promise<Check> {
  let last = '';
  const found = await until(
    'certificates are renewed',
    limitMs,
    async () => {
      const now = await certificates();
      last = [...now].map(([name, count]) => `${name} ${before.get(name) ?? 0} → ${count}`).join(', ');
      return [...now].every(([name, count]) => count > (before.get(name) ?? 0)) ? true : null;
    },
    1_000,
  ).catch(() => null);
  return check('certificates of all proxies', 'renewed meanwhile', last, found !== null);
}
