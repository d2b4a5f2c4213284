import { UNAVAILABLE } from '../../../proxy-image/contract/policy/grpc-status.ts';
import { applyFile, execApp, get, getJson, kubectl, NAMESPACE, rollout } from '../kubectl.ts';
import { sleep } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { LoadControl, type Phase, sum } from '../traffic.ts';

/** As in samples/circuit-breaking/echo.yaml. */
const BREAKER = { maxFailures: 5, minPenaltyMs: 1000, maxPenaltyMs: 10_000, jitterRatio: 0.5 };
const REPLICAS = 3;
const RPS = 200;
const SLOW_MS = 100;
/** Before anything is measured: connections, the first round trip times. */
const WARM_MS = 3000;
/** A replica that was slow is asked as often as the others once its slowness is forgotten: several times the decay of 10 s. */
const FORGET_MS = 30_000;

export interface CircuitBreakingOptions {
  steadyMs: number;
  slowMs: number;
  failingMs: number;
  /** After the longest penalty is over. */
  backMs: number;
  retriedMs: number;
}

/** Questions whether a replica has recovered in that time, at most: jitter only makes the pauses longer. */
function probesWithin(ms: number): number {
  let probes = 0;
  let penaltyMs = BREAKER.minPenaltyMs;
  for (let atMs = penaltyMs; atMs <= ms; atMs += penaltyMs) {
    probes++;
    penaltyMs = Math.min(2 * penaltyMs, BREAKER.maxPenaltyMs);
  }
  return probes;
}

async function replicas(): Promise<string[]> {
  const list = await getJson<{ items: { metadata: { name: string; deletionTimestamp?: string } }[] }>(
    'pods',
    ...['-n', NAMESPACE, '-l', 'app=echo'],
  );
  const present = list.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return present.map(({ metadata }) => metadata.name).sort();
}

function behave(pod: string, behaviour: string): Promise<string> {
  return execApp(pod, ['ctl', 'POST', `/control?${behaviour}`]);
}

const okOf = (phase: Phase | undefined): number => phase?.statuses['0'] ?? 0;
const failuresOf = (phase: Phase | undefined): number => (phase?.sent ?? 0) - okOf(phase);

/** Of the calls that were answered, by the replica that answered. */
function shareOf(phase: Phase | undefined, pod: string): number {
  const answered = sum(Object.values(phase?.versions ?? {}));
  return answered === 0 ? 0 : (phase?.versions[pod] ?? 0) / answered;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

interface Milestones {
  /** From the first answer that may fail to the last. */
  failedForMs: number;
}

async function drive(
  load: LoadControl,
  slow: string,
  failing: string,
  options: CircuitBreakingOptions,
): Promise<Milestones> {
  await load.phase('steady');
  await sleep(options.steadyMs);
  await load.phase('slow');
  await behave(slow, `slowMs=${SLOW_MS}`);
  await sleep(options.slowMs);
  await behave(slow, 'slowMs=0');
  await load.phase('forgetting');
  await sleep(FORGET_MS);
  await load.phase('failing');
  const startedMs = performance.now();
  await behave(failing, `grpcStatus=${UNAVAILABLE}`);
  await sleep(options.failingMs);
  await behave(failing, 'grpcStatus=0');
  const failedForMs = performance.now() - startedMs;
  await load.phase('healing');
  await sleep(BREAKER.maxPenaltyMs * (1 + BREAKER.jitterRatio));
  await load.phase('back');
  await sleep(options.backMs);
  return { failedForMs };
}

async function withoutRetries(options: CircuitBreakingOptions): Promise<Check[]> {
  const [slow, failing] = (await replicas()) as [string, string];
  const load = new LoadControl('echo');
  await load.start({ url: urlOf('echo'), rps: RPS, phase: 'warm' });
  await sleep(WARM_MS);
  const { failedForMs } = await drive(load, slow, failing, options);
  const { warm: _, ...phases } = await load.stop();
  return [...spread(phases, slow), ...failures(phases, failing, failedForMs)];
}

const FAIR = 1 / REPLICAS;

function spread(phases: Record<string, Phase>, slow: string): Check[] {
  const { steady, slow: slowed } = phases;
  const answering = Object.keys(steady?.versions ?? {}).length;
  const share = shareOf(slowed, slow);
  return [
    check('replicas that answer', String(REPLICAS), answering, answering === REPLICAS),
    check(
      `share of a replica that is slower by ${SLOW_MS} ms`,
      `< ${percent(FAIR / 3)} (a third of its share)`,
      `${percent(share)} of ${slowed?.sent ?? 0}`,
      okOf(slowed) > 0 && share < FAIR / 3,
    ),
  ];
}

function failures(phases: Record<string, Phase>, failing: string, failedForMs: number): Check[] {
  const all = Object.values(phases);
  const sent = sum(all.map((phase) => phase.sent));
  const failed = sum(all.map(failuresOf));
  const examples = all.flatMap((phase) => phase.examples).slice(0, 3);
  const during = failuresOf(phases['failing']) + failuresOf(phases['healing']);
  const bound = BREAKER.maxFailures + probesWithin(failedForMs);
  const success = (sent - failed) / Math.max(1, sent);
  const back = shareOf(phases['back'], failing);
  return [
    check(
      `failures while a replica fails for ${(failedForMs / 1000).toFixed(0)} s, no retries`,
      `${BREAKER.maxFailures}..${bound} (${BREAKER.maxFailures} in a row, then one a probe)`,
      during,
      during >= BREAKER.maxFailures && during <= bound,
    ),
    check(
      'success overall',
      '≥ 99.9 %',
      `${percent(success)} of ${sent} ${examples.join('; ')}`.trim(),
      success >= 0.999,
    ),
    check('share of the healed replica', `≥ ${percent(FAIR / 2)} (half of its share)`, percent(back), back >= FAIR / 2),
  ];
}

/** Calls of a phase that the replica answered with its failure, as it counted them itself. */
async function refusedBy(pod: string, phase: string): Promise<number> {
  const [answer] = await get(pod, 'http://127.0.0.1:8080/counts');
  const report = JSON.parse(answer?.body ?? '{}') as Record<string, { failed: number }>;
  return report[phase]?.failed ?? 0;
}

async function withRetries({ retriedMs }: CircuitBreakingOptions): Promise<Check[]> {
  const failing = (await replicas())[2]!;
  const load = new LoadControl('echo-retried');
  await load.start({ url: urlOf('echo-retried'), rps: RPS, phase: 'retried' });
  await sleep(WARM_MS);
  await behave(failing, `grpcStatus=${UNAVAILABLE}`);
  await sleep(retriedMs);
  const refused = await refusedBy(failing, 'retried');
  await behave(failing, 'grpcStatus=0');
  const { retried } = await load.stop();
  const failed = failuresOf(retried);
  const measured = `${failed} failures of ${retried?.sent ?? 0} ${retried?.examples.join('; ') ?? ''}`;
  return [
    check(
      'calls that the failing replica refused',
      `≥ ${BREAKER.maxFailures}`,
      refused,
      refused >= BREAKER.maxFailures,
    ),
    check('… and the caller, with retries', '100 %', measured.trim(), okOf(retried) > 0 && failed === 0),
  ];
}

function urlOf(service: string): string {
  return `grpc://${service}.${NAMESPACE}.svc.cluster.local:80`;
}

export const circuitBreaking = (options: CircuitBreakingOptions): Step => ({
  id: 'grpc',
  title: 'gRPC to three replicas: one becomes slow, one fails, with and without retries',
  commands: ['kubectl apply -f samples/circuit-breaking/echo.yaml', '(and the commands in its README)'],
  async run() {
    await applyFile('samples/app/manifests/app.yaml', 'samples/circuit-breaking/echo.yaml');
    // New pods: none is slow or failing from before, and none runs an older image.
    await kubectl(['-n', NAMESPACE, 'rollout', 'restart', 'deploy/echo', 'deploy/traffic']);
    await rollout(NAMESPACE, 'deploy/echo', 'deploy/traffic');
    return [...(await withoutRetries(options)), ...(await withRetries(options))];
  },
});
