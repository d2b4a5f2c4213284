import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import {
  applyFile,
  applyText,
  execApp,
  get,
  getJson,
  kubectl,
  NAMESPACE,
  rollout,
  url,
  waitProgrammed,
} from '../kubectl.ts';
import { podsOf, processesOf } from '../processes.ts';
import { sleep, until } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { counted, failures, LoadControl } from '../traffic.ts';
import { invalidProfile } from './invalid.ts';

const AWAY_MS = 30_000;

async function scaleOperator(replicas: number): Promise<void> {
  await kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'scale', 'deploy/weft-operator', `--replicas=${replicas}`]);
  if (replicas > 0) return rollout(CONTROL_PLANE_NAMESPACE, 'deploy/weft-operator');
  await until('no operator pod left', 60_000, async () => {
    const pods = await getJson<{ items: unknown[] }>(
      'pods',
      '-n',
      CONTROL_PLANE_NAMESPACE,
      '-l',
      'app.kubernetes.io/name=weft-operator',
    );
    return pods.items.length === 0 ? true : null;
  });
}

/** What happens to the data plane while nobody configures it: a pod goes, a proxy is killed, and a Service is used that nobody used before. */
async function trouble(): Promise<Check[]> {
  const [deleted, killed] = await podsOf('app=catalog,version=v1');
  await kubectl(['-n', NAMESPACE, 'delete', 'pod', deleted!.metadata.name, '--wait=false']);
  await sleep(4000);
  for (const pid of processesOf(killed!, '/proxy.js')) process.kill(pid, 'SIGKILL');
  await sleep(2000);
  const [late] = await get('deploy/traffic', url('stock-late', '/item'));
  return [check('a Service never used before', '200', late!.status, late!.status === 200)];
}

/** Direct mode: the share of v2 follows an edit although no operator runs. */
async function directMode(): Promise<Check> {
  await applyFile('samples/canary/split-0-100.yaml');
  await sleep(2000);
  const answers = await get('pod/direct', url('catalog', '/item'), 40);
  const versions = answers.map((answer) =>
    answer.status === 200 ? (JSON.parse(answer.body) as { version: string }).version : String(answer.status),
  );
  const v2 = versions.filter((version) => version === 'v2').length;
  return check(
    'a pod in direct mode follows a TrafficSplit edit',
    '40 of 40 answers from v2',
    `${v2} of ${versions.length}`,
    v2 === 40,
  );
}

async function whileAway(load: LoadControl): Promise<Check[]> {
  const goneMs = performance.now();
  await load.phase('away');
  const checks = await trouble();
  const slipped = await applyText(invalidProfile('web'), { anyStatus: true });
  checks.push(
    check(
      'an invalid profile while the webhook is away',
      'accepted by the API server',
      slipped.stdout.trim() || slipped.stderr.trim(),
      slipped.code === 0,
    ),
  );
  checks.push(await directMode());
  await sleep(Math.max(0, AWAY_MS - (performance.now() - goneMs)));
  return checks;
}

/** The change made in the operator's absence is in force, and the invalid object carries a condition. */
async function afterReturn(load: LoadControl): Promise<Check[]> {
  await scaleOperator(1);
  // Proxies reconnect with backoff; the caller's is the one that counts.
  const effect = await until('the edited split in force', 30_000, async () => {
    const answers = await get('deploy/traffic', url('catalog', '/item'), 20);
    return answers.every((answer) => answer.body.includes('"v2"')) ? true : null;
  });
  await waitProgrammed('trafficsplit', 'catalog', 30_000);
  await load.phase('returned');
  await sleep(2000);
  await load.phase('end');
  const v1 = await counted('app=catalog,version=v1', 'returned');
  const v2 = await counted('app=catalog,version=v2', 'returned');
  const name = `web.${NAMESPACE}.svc.cluster.local`;
  const profile = await until('a condition on the invalid profile', 20_000, async () => {
    const found = await getJson<{
      status?: { conditions?: { type: string; status: string; reason: string; message: string }[] };
    }>('serviceprofile', name, '-n', NAMESPACE);
    return (
      found.status?.conditions?.find((condition) => condition.type === 'Ready' && condition.status === 'False') ?? null
    );
  });
  await kubectl(['-n', NAMESPACE, 'delete', 'serviceprofile', name]);
  const condition = `${profile.value.reason}: ${profile.value.message}`;
  return [
    check(
      'the split edited meanwhile, after the return',
      'v1 exactly 0',
      `v1 ${v1}, v2 ${v2}, ${(effect.ms / 1000).toFixed(1)} s after the operator was ready`,
      v1 === 0 && v2 > 200,
    ),
    check(
      'the invalid profile',
      'Ready False naming the field',
      condition.slice(0, 200),
      condition.includes('spec.routes[1].condition.pathRegex'),
    ),
  ];
}

interface Pod {
  metadata: { name: string };
  spec: { initContainers?: { name: string }[] };
}

/** Pods that were made while no webhook answered have no proxy (failurePolicy Ignore): whoever wants them in the mesh makes them anew. */
async function replaceUnmeshed(): Promise<void> {
  const pods = await getJson<{ items: Pod[] }>('pods', '-n', NAMESPACE, '-l', 'app=catalog,version=v1');
  const isMeshed = (pod: Pod): boolean =>
    pod.spec.initContainers?.some((container) => container.name === 'linkerd-proxy') ?? false;
  const unmeshed = pods.items.filter((pod) => !isMeshed(pod)).map((pod) => pod.metadata.name);
  if (unmeshed.length === 0) return;
  await kubectl(['-n', NAMESPACE, 'delete', 'pod', ...unmeshed]);
  await rollout(NAMESPACE, 'deploy/catalog-v1');
}

/** Requests in flight on the killed container cannot be answered: at 200 rps and milliseconds each, a handful. */
const MAX_IN_FLIGHT = 8;

export const away: Step = {
  id: 'h',
  title: 'the operator away for 30 s under load (with i: an invalid object slips in, and j: direct mode)',
  commands: [
    'kubectl -n weft-system scale deploy/weft-operator --replicas=0',
    'kubectl apply -f samples/canary/split-0-100.yaml',
    'kubectl -n weft-system scale deploy/weft-operator --replicas=1',
  ],
  async run() {
    await applyFile('samples/direct-mode/pod.yaml');
    await kubectl(['-n', NAMESPACE, 'wait', '--for=condition=ready', 'pod/direct', '--timeout=90s']);
    await execApp('pod/direct', ['get', url('catalog', '/item')]);
    const load = new LoadControl('away');
    await load.start({ url: url('catalog', '/item'), rps: 200, phase: 'before' });
    await sleep(1500);
    await scaleOperator(0);
    const checks = [...(await whileAway(load)), ...(await afterReturn(load))];
    const report = await load.stop();
    const phases = Object.values(report);
    const failed = phases.map(failures).reduce((total, count) => total + count, 0);
    const examples = phases.flatMap((phase) => phase.examples).join('; ');
    checks.unshift(
      check(
        'failed requests beyond those in flight on what was killed',
        `≤ ${MAX_IN_FLIGHT} in flight`,
        `${failed} ${examples}`.trim(),
        failed <= MAX_IN_FLIGHT,
      ),
    );
    await kubectl(['-n', NAMESPACE, 'delete', 'trafficsplit', 'catalog', '--ignore-not-found']);
    await replaceUnmeshed();
    return checks;
  },
};
