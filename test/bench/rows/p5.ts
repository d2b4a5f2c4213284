import type { Bench } from '../bench.ts';
import { KILOBYTE_PATH, startBackend } from '../contenders/backend.ts';
import type { Deployer, Deployment } from '../contenders/deployment.ts';
import type { Measurement } from '../figures.ts';
import type { Site } from '../host/site.ts';
import { fixedRate } from '../load/fixed-rate-load.ts';
import type { FixedRateAnswer } from '../load/fixed-rate-types.ts';
import { cpuOf } from './closed-loop.ts';
import { enter, interleave, leave, pick } from './interleave.ts';

const RATE = 1_000;
const CONNECTIONS = 16;

interface Entry {
  name: string;
  site: Site;
  deployment: Deployment;
}

interface Turn extends FixedRateAnswer {
  clientUs: number;
  serverUs: number;
}

/** Latency through a pair at a fixed rate, beside no proxy at all in the same rounds; with the CPU that it cost. */
export async function runP5(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
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
  return [...latency(turns), ...cpu(turns)];
}

/** The same pods without redirection or proxies. */
async function direct(bench: Bench): Promise<Entry> {
  const site = await bench.site(false);
  await startBackend(bench, site.server);
  const url = site.appUrl;
  const nothing = { client: null, server: null, asProxyUser: false, verify: async () => {}, stop: async () => {} };
  return { name: 'direct', site, deployment: { ...nothing, url } };
}

/** All at once, without the precise pace that takes a CPU: just-in-time compilers need requests, not precision. */
async function warmUp(bench: Bench, entries: readonly Entry[]): Promise<void> {
  const { latencyWarmUpMs } = bench.options.durations;
  bench.say(`${RATE} requests/s: ${latencyWarmUpMs / 1000} s of warm-up`);
  const request = { connections: CONNECTIONS, rate: RATE, warmUpMs: 0, durationMs: latencyWarmUpMs, precise: false };
  await Promise.all(
    entries.map(({ site, deployment }) =>
      fixedRate(bench, site, { ...request, url: `${deployment.url}${KILOBYTE_PATH}` }),
    ),
  );
}

async function turn(bench: Bench, { site, deployment }: Entry): Promise<Turn> {
  const { latencyMs } = bench.options.durations;
  const url = `${deployment.url}${KILOBYTE_PATH}`;
  const before = [deployment.client, deployment.server].map(cpuOf);
  const request = { url, connections: CONNECTIONS, rate: RATE, warmUpMs: 500, durationMs: latencyMs, precise: true };
  const answer = await fixedRate(bench, site, request);
  const after = [deployment.client, deployment.server].map(cpuOf);
  const perRequestUs = (side: number) => ((after[side]! - before[side]!) * 1000) / answer.answers;
  return { ...answer, clientUs: perRequestUs(0), serverUs: perRequestUs(1) };
}

/** What a pair adds: the difference to `direct` of the same round. */
function latency(turns: Record<string, Turn[]>): Measurement[] {
  const { direct: base = [], ...pairs } = turns;
  const shares: readonly (keyof FixedRateAnswer & ('p50' | 'p90' | 'p99'))[] = ['p50', 'p90', 'p99'];
  const what = `mTLS pair, ${RATE} requests/s, ${CONNECTIONS} connections, 1 KB`;
  const line = { row: 'P5', unit: 'ms', bar: null };
  return shares.flatMap((share) => [
    { ...line, what: `${what}: latency added, ${share}`, samples: added(pairs, base, share), rival: 'haproxy' },
    { ...line, what: `${what}: latency, ${share}`, samples: pick(turns, (result) => result[share]), rival: 'haproxy' },
  ]);
}

function added(
  pairs: Record<string, Turn[]>,
  base: readonly Turn[],
  share: 'p50' | 'p90' | 'p99',
): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, results]) => [
      name,
      results.map((result, round) => result[share] - base[round]![share]),
    ]),
  );
}

function cpu({ direct: _, ...pairs }: Record<string, Turn[]>): Measurement[] {
  const what = `mTLS pair, ${RATE} requests/s: CPU per request`;
  const line = { row: 'P5', unit: 'us', rival: 'haproxy', bar: null };
  return [
    { ...line, what: `${what}, client side`, samples: pick(pairs, ({ clientUs }) => clientUs) },
    { ...line, what: `${what}, server side`, samples: pick(pairs, ({ serverUs }) => serverUs) },
  ];
}
