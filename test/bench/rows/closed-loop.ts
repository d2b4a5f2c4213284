import type { Bench } from '../bench.ts';
import { SMALL_PATH } from '../contenders/backend.ts';
import type { Deployer, DeployOptions, Shape } from '../contenders/deployment.ts';
import type { Measurement } from '../figures.ts';
import { cpuMs } from '../host/cpu.ts';
import type { Program } from '../host/programs.ts';
import { closedLoop, type Load } from '../load/wrk.ts';
import { type Entry, enter, interleave, leave, pick } from './interleave.ts';

export const CONNECTIONS = 32;

/** Each as long as a round. */
const MAX_WARM_UPS = 5;

/** Of one turn of one contender. */
export interface Turn {
  requestsPerSecond: number;
  /** CPU of each side per request, microseconds; 0 for a side without a proxy. */
  clientUs: number;
  serverUs: number;
}

export type LoadOnce = (bench: Bench, entry: Entry, durationMs: number) => Promise<Load>;

/** One of those that take turns: most often a contender as it is, but a row may set one beside itself. */
export interface Contestant {
  name: string;
  deployer: Deployer;
  options: DeployOptions;
  load: LoadOnce;
  /** After the start, before any load. */
  prepare?: (entry: Entry) => Promise<void>;
}

/** HTTP/1.1, one small page over and over. */
export const loadPages: LoadOnce = (bench, { site, deployment }, durationMs) =>
  closedLoop(bench, site, deployment, { connections: CONNECTIONS, path: SMALL_PATH, durationMs });

export function pagesThrough(deployers: readonly Deployer[], shape: Shape): Contestant[] {
  return deployers.map((deployer) => ({ name: deployer.name, deployer, options: { shape }, load: loadPages }));
}

/** Rounds of as many requests as come back, with the CPU that each proxy used meanwhile. */
export async function closedLoopRounds(
  bench: Bench,
  what: string,
  contestants: readonly Contestant[],
): Promise<Record<string, Turn[]>> {
  const { rounds } = bench.options.durations;
  const runners: (Entry & { load: LoadOnce })[] = [];
  for (const { name, deployer, options, load, prepare } of contestants) {
    const entry = { ...(await enter(bench, deployer, options)), name };
    await prepare?.(entry);
    runners.push({ ...entry, load });
  }
  for (const runner of runners) {
    bench.say(`${what}: warming up ${runner.name}`);
    await warmUp(bench, runner);
    // Before the rounds too: what is not served as it should be need not be measured.
    await runner.deployment.verify();
  }
  const results = await interleave(rounds, runners, (runner, round) => {
    bench.say(`${what}: round ${round + 1} of ${rounds}, ${runner.name}`);
    return turn(bench, runner);
  });
  for (const { deployment } of runners) await deployment.verify();
  await leave(bench, runners);
  return results;
}

/** Just-in-time compilers need requests, not time: on a busy machine there are few of them in a second. */
async function warmUp(bench: Bench, runner: Entry & { load: LoadOnce }): Promise<void> {
  const { measureMs, warmUpRequests } = bench.options.durations;
  let requests = 0;
  for (let turn = 0; turn < MAX_WARM_UPS && requests < warmUpRequests; turn++)
    requests += (await runner.load(bench, runner, measureMs)).requests;
}

async function turn(bench: Bench, runner: Entry & { load: LoadOnce }): Promise<Turn> {
  const { warmUpMs, measureMs } = bench.options.durations;
  const { client, server } = runner.deployment;
  await runner.load(bench, runner, warmUpMs);
  const before = [client, server].map(cpuOf);
  const { requests, requestsPerSecond } = await runner.load(bench, runner, measureMs);
  const after = [client, server].map(cpuOf);
  const perRequestUs = (side: number) => ((after[side]! - before[side]!) * 1000) / requests;
  return { requestsPerSecond, clientUs: perRequestUs(0), serverUs: perRequestUs(1) };
}

export function cpuOf(program: Program | null): number {
  program?.assertRunning();
  return program === null ? 0 : cpuMs(program.pid);
}

/** Reported beside the CPU: the reciprocal of the throughput, so that less is better as it is of CPU. */
export function periodOf(row: string, what: string, turns: Record<string, Turn[]>): Measurement {
  return {
    row,
    what: `${what}: time per request of a closed loop`,
    unit: 'us',
    samples: pick(turns, ({ requestsPerSecond }) => 1e6 / requestsPerSecond),
    rival: 'haproxy',
    bars: [],
    stretch: null,
  };
}
