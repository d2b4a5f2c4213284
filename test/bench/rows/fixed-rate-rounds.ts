import type { Bench } from '../bench.ts';
import { KILOBYTE_PATH, startBackend } from '../contenders/backend.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { fixedRate } from '../load/fixed-rate-load.ts';
import type { FixedRateAnswer } from '../load/fixed-rate-types.ts';
import { cpuOf } from './closed-loop.ts';
import { type Entry, enter, interleave, leave } from './interleave.ts';

export const RATE = 1_000;
export const RATE_CONNECTIONS = 16;
/** The entry without any proxy. */
export const DIRECT = 'direct';

export interface RateTurn extends FixedRateAnswer {
  /** CPU of each side per request, microseconds. */
  clientUs: number;
  serverUs: number;
}

const MEASURED = new WeakMap<Bench, Promise<Record<string, RateTurn[]>>>();

/** A pair at a fixed rate, beside no proxy at all in the same rounds. Measured once in a run, for all rows that look at it. */
export function fixedRateRounds(bench: Bench, deployers: readonly Deployer[]): Promise<Record<string, RateTurn[]>> {
  const measured = MEASURED.get(bench) ?? measure(bench, deployers);
  MEASURED.set(bench, measured);
  return measured;
}

async function measure(bench: Bench, deployers: readonly Deployer[]): Promise<Record<string, RateTurn[]>> {
  const { rounds } = bench.options.durations;
  const entries: Entry[] = [await direct(bench)];
  for (const deployer of deployers) entries.push(await enter(bench, deployer, { shape: 'pair' }));
  await warmUp(bench, entries);
  const turns = await interleave(rounds, entries, (entry, round) => {
    bench.say(`${RATE} requests/s: round ${round + 1} of ${rounds}, ${entry.name}`);
    return turn(bench, entry);
  });
  for (const { deployment } of entries) await deployment.verify();
  await leave(bench, entries);
  return turns;
}

/** The same pods without redirection or proxies. */
async function direct(bench: Bench): Promise<Entry> {
  const site = await bench.site(false);
  await startBackend(bench, site.server);
  const url = site.appUrl;
  const nothing = { client: null, server: null, asProxyUser: false, verify: async () => {}, stop: async () => {} };
  return { name: DIRECT, site, deployment: { ...nothing, url } };
}

/** All at once, without the precise pace that takes a CPU: just-in-time compilers need requests, not precision. */
async function warmUp(bench: Bench, entries: readonly Entry[]): Promise<void> {
  const { latencyWarmUpMs } = bench.options.durations;
  bench.say(`${RATE} requests/s: ${latencyWarmUpMs / 1000} s of warm-up`);
  const request = { connections: RATE_CONNECTIONS, rate: RATE, warmUpMs: 0, durationMs: latencyWarmUpMs };
  await Promise.all(
    entries.map(({ site, deployment }) =>
      fixedRate(bench, site, { ...request, url: `${deployment.url}${KILOBYTE_PATH}`, precise: false }),
    ),
  );
}

async function turn(bench: Bench, { site, deployment }: Entry): Promise<RateTurn> {
  const { latencyMs } = bench.options.durations;
  const url = `${deployment.url}${KILOBYTE_PATH}`;
  const before = [deployment.client, deployment.server].map(cpuOf);
  const pace = { connections: RATE_CONNECTIONS, rate: RATE, warmUpMs: 500, durationMs: latencyMs, precise: true };
  const answer = await fixedRate(bench, site, { url, ...pace });
  const after = [deployment.client, deployment.server].map(cpuOf);
  const perRequestUs = (side: number) => ((after[side]! - before[side]!) * 1000) / answer.answers;
  return { ...answer, clientUs: perRequestUs(0), serverUs: perRequestUs(1) };
}
