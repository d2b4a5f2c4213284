import { UNAVAILABLE } from '../../../proxy-image/contract/policy/grpc-status.ts';
import { applyFile, execApp, getJson, kubectl, NAMESPACE, rollout } from '../kubectl.ts';
import { sleep } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { LoadControl, type Phase } from '../traffic.ts';
import { waitRoute } from './http-route.ts';

const RPS = 100;
const RUN_MS = 8_000;
const MINIMUM = 600;
/** A third of the replicas fails: six tries all meet it once in 700 calls, if each were a draw of its own. */
const FEWEST_PERCENT = 99;

async function aReplica(): Promise<string> {
  const list = await getJson<{ items: { metadata: { name: string } }[] }>(
    'pods',
    ...['-n', NAMESPACE, '-l', 'app=greeter'],
  );
  return list.items[0]!.metadata.name;
}

async function calls(phase: string): Promise<Phase | undefined> {
  const load = new LoadControl(phase);
  await load.start({ url: `grpc://greeter.${NAMESPACE}.svc.cluster.local:80`, rps: RPS, phase });
  await sleep(RUN_MS);
  return (await load.stop())[phase];
}

const percentOk = (phase: Phase | undefined): number =>
  (100 * (phase?.statuses['0'] ?? 0)) / Math.max(1, phase?.finished ?? 0);

function measured(phase: Phase | undefined): string {
  return `${percentOk(phase).toFixed(2)} % of ${phase?.finished ?? 0}`;
}

async function run(): Promise<Check[]> {
  await applyFile('samples/routes/greeter.yaml');
  await rollout(NAMESPACE, 'deploy/greeter');
  await execApp(await aReplica(), ['ctl', 'POST', `/control?grpcStatus=${UNAVAILABLE}`]);
  const without = await calls('greeter-plain');
  await applyFile('samples/routes/greeter-retries.yaml');
  await waitRoute('grpcroutes', 'greeter');
  const retried = await calls('greeter-retried');
  await kubectl(['-n', NAMESPACE, 'delete', 'grpcroute', 'greeter']);
  await kubectl(['-n', NAMESPACE, 'delete', 'deploy', 'greeter', '--wait=false']);
  return [
    check(
      'success while one of three replicas refuses every call, without the route',
      `< ${FEWEST_PERCENT} %`,
      measured(without),
      (without?.finished ?? 0) >= MINIMUM && percentOk(without) < FEWEST_PERCENT,
    ),
    check(
      '… and with its retries',
      `≥ ${FEWEST_PERCENT} % of ≥ ${MINIMUM}`,
      measured(retried),
      (retried?.finished ?? 0) >= MINIMUM && percentOk(retried) >= FEWEST_PERCENT,
    ),
  ];
}

export const grpcRoute: Step = {
  id: 's',
  title: 'GRPCRoute: calls that fail are tried again',
  commands: ['kubectl apply -f samples/routes/greeter.yaml', 'kubectl apply -f samples/routes/greeter-retries.yaml'],
  run,
};
