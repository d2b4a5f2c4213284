import { applyFile, NAMESPACE, url, waitProgrammed } from '../kubectl.ts';
import { metricsOf, sumOf } from '../metrics.ts';
import { sleep } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { counted, LoadControl, type Phase } from '../traffic.ts';

const RPS = 200;

export interface RetriesOptions {
  runMs: number;
  downMs: number;
  /** Requests that each measurement must have. */
  minimum: number;
}

const BUDGET_WINDOW_MS = 11_000;
/**
 * The sample's budget: 10 a second over a window of 10 s, that is 100 per window. The window moves in ten slots, so a spent hundred comes back
 * after 9 to 10 s: 400 in 30 s = 10 × (30 + 10).
 */
const maxRetries = (seconds: number): number => 100 * (Math.floor(seconds / 9) + 1);

function success(phase: Phase | undefined): { rate: number; text: string } {
  const ok = phase?.statuses['200'] ?? 0;
  const rate = (100 * ok) / Math.max(1, phase?.finished ?? 0);
  return { rate, text: `${rate.toFixed(2)} % of ${phase?.finished ?? 0}${unexpected(phase)}` };
}

/** What happened to requests beside success and the failure that was asked for; empty when nothing did. */
function unexpected(phase: Phase | undefined): string {
  const { '200': _, '500': __, ...others } = phase?.statuses ?? {};
  const seen = Object.entries({ ...others, ...phase?.errors });
  if (seen.length === 0) return '';
  const causes = (phase?.examples ?? []).filter((example) => !/^\S+ 500\b/.test(example)).slice(0, 3);
  return `; besides ${seen.map(([what, count]) => `${count} × ${what}`).join(', ')}: ${causes.join('; ')}`;
}

async function randomFailures({ runMs, minimum }: RetriesOptions): Promise<Check[]> {
  const retried = new LoadControl('retried');
  const plain = new LoadControl('plain');
  await retried.start({ url: url('stock-retried', '/item?fail=0.15'), rps: RPS, phase: 'retried' });
  await plain.start({ url: url('stock-plain', '/item?fail=0.15'), rps: RPS, phase: 'plain' });
  await sleep(runMs);
  const [a, b] = await Promise.all([retried.stop(), plain.stop()]);
  const withRetries = success(a['retried']);
  const without = success(b['plain']);
  const enough = (a['retried']?.finished ?? 0) >= minimum && (b['plain']?.finished ?? 0) >= minimum;
  return [
    check(
      'success with isRetryable, 15 % failing per attempt',
      `≥ 99 % of ≥ ${minimum}`,
      withRetries.text,
      withRetries.rate >= 99 && enough,
    ),
    check('success without', `85 ± 2 % of ≥ ${minimum}`, without.text, Math.abs(without.rate - 85) <= 2 && enough),
  ];
}

/** Retries that the caller's proxy left out because the budget of the Service was spent. */
async function skippedForBudget(): Promise<number> {
  const labels = { dst: `stock-down.${NAMESPACE}.svc.cluster.local:80`, skipped: 'no_budget' };
  return sumOf(await metricsOf('deploy/traffic'), 'route_retryable_total', labels);
}

async function everythingFails({ downMs }: RetriesOptions): Promise<Check[]> {
  const before = await skippedForBudget();
  const load = new LoadControl('down');
  await load.start({ url: url('stock-down', '/item?fail=1'), rps: RPS, phase: 'down' });
  await sleep(downMs);
  const sent = (await load.stop())['down']?.sent ?? 0;
  const retries = (await counted('app=stock', 'down')) - sent;
  const skipped = (await skippedForBudget()) - before;
  const bound = maxRetries(sent / RPS);
  const bounded = retries > 0 && retries <= bound;
  return [
    check(
      'retries while everything fails, counted at the backend',
      `1..${bound}`,
      `${retries} over ${sent} requests`,
      bounded,
    ),
    check(
      'the others counted as no_budget',
      `${sent} (one refusal a request)`,
      skipped,
      skipped >= sent * 0.99 && skipped <= sent + 1,
    ),
  ];
}

export const retriesStep = (options: RetriesOptions): Step => ({
  id: 'e',
  title: 'retries under a budget',
  commands: ['kubectl apply -f samples/retries/profiles.yaml'],
  async run() {
    await applyFile('samples/retries/profiles.yaml');
    await everyProfileInForce();
    const [random, down] = await Promise.all([randomFailures(options), everythingFails(options)]);
    return [...random, ...down];
  },
});

/** Each profile has a caller, and its proxy follows; the budget of `stock-down` then has time to forget the warm-up's deposits. */
async function everyProfileInForce(): Promise<void> {
  for (const name of ['stock-retried', 'stock-plain', 'stock-down']) {
    await new LoadControl(`warm-${name}`).start({ url: url(name, '/item?fail=0'), rps: 5, phase: 'warm' });
    await waitProgrammed('serviceprofile', `${name}.${NAMESPACE}.svc.cluster.local`, 30_000);
    await new LoadControl(`warm-${name}`).stop();
  }
  await sleep(BUDGET_WINDOW_MS);
}
