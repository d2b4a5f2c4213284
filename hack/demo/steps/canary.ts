import { applyFile, kubectl, NAMESPACE, url, waitProgrammed, waitReady } from '../kubectl.ts';
import { sleep } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { counted, failures, LoadControl, type Phase, sum } from '../traffic.ts';

const RPS = 200;

export interface CanaryOptions {
  phaseMs: number;
  /** Requests that a phase must have after its effect. */
  minimum: number;
}
const PHASES = [
  { file: 'samples/canary/split-90-10.yaml', share: 0.1 },
  { file: 'samples/canary/split-50-50.yaml', share: 0.5 },
  { file: 'samples/canary/split-0-100.yaml', share: 1 },
];

/** The share of version 2 as the backends counted it, held against four standard deviations of the binomial distribution. */
function judge(name: string, share: number, v1: number, v2: number, minimum: number): Check {
  const total = v1 + v2;
  if (share === 1)
    return check(
      `${name}: requests at v1 after the effect`,
      `exactly 0 of ≥ ${minimum}`,
      `${v1} of ${total}`,
      v1 === 0 && total >= minimum,
    );
  const sigma = Math.sqrt((share * (1 - share)) / total);
  const deviation = Math.abs(v2 / total - share) / sigma;
  const measured = `${v2} of ${total} = ${((100 * v2) / total).toFixed(2)} % (${deviation.toFixed(1)} σ)`;
  return check(
    `${name}: share of v2`,
    `${share * 100} % within 4 σ, ≥ ${minimum} requests`,
    measured,
    deviation <= 4 && total >= minimum,
  );
}

async function runPhase(load: LoadControl, phase: (typeof PHASES)[number], options: CanaryOptions): Promise<Check[]> {
  const name = phase.file.replace(/^.*split-|\.yaml$/g, '').replace('-', '/');
  const startedMs = performance.now();
  await applyFile(phase.file);
  const appliedMs = performance.now() - startedMs;
  await waitReady('trafficsplit', 'catalog', 'True', 30_000);
  await waitProgrammed('trafficsplit', 'catalog', 30_000);
  const effectMs = performance.now() - startedMs;
  await load.phase(`canary-${name}`);
  await sleep(options.phaseMs);
  await load.phase(`after-${name}`);
  await sleep(500);
  const [v1, v2] = await Promise.all([
    counted('app=catalog,version=v1', `canary-${name}`),
    counted('app=catalog,version=v2', `canary-${name}`),
  ]);
  const timing = `kubectl apply ${appliedMs.toFixed(0)} ms, all proxies ${effectMs.toFixed(0)} ms after its start`;
  return [
    judge(name, phase.share, v1, v2, options.minimum),
    check(`${name}: time to effect`, '< 30 s (usually half a second)', timing, effectMs < 30_000),
  ];
}

export const canaryStep = (options: CanaryOptions): Step => ({
  id: 'd',
  title: 'a canary moves 90/10, 50/50, 0/100 under 200 requests a second',
  commands: PHASES.map((phase) => `kubectl apply -f ${phase.file}`),
  async run() {
    const load = new LoadControl('canary');
    await load.start({ url: url('catalog', '/item'), rps: RPS, phase: 'warm' });
    const checks: Check[] = [];
    for (const phase of PHASES) checks.push(...(await runPhase(load, phase, options)));
    const report = Object.values(await load.stop());
    checks.push(noFailures(report));
    await kubectl(['-n', NAMESPACE, 'delete', 'trafficsplit', 'catalog', '--ignore-not-found']);
    return checks;
  },
});

function noFailures(report: readonly Phase[]): Check {
  const failed = sum(report.map(failures));
  const examples = report.flatMap((phase) => phase.examples).join('; ');
  const sent = sum(report.map((phase) => phase.sent));
  return check('failed requests in all phases', '0', `${failed} of ${sent} ${examples}`.trim(), failed === 0);
}
