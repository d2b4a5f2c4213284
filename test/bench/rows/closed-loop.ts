import type { Bench } from '../bench.ts';
import { SMALL_PATH } from '../contenders/backend.ts';
import type { Deployer, Shape } from '../contenders/deployment.ts';
import { cpuMs } from '../host/cpu.ts';
import type { Program } from '../host/programs.ts';
import { closedLoop } from '../load/wrk.ts';
import { type Entry, enter, interleave, leave } from './interleave.ts';

export const CONNECTIONS = 32;

const LOAD = { connections: CONNECTIONS, path: SMALL_PATH };

/** Of one turn of one contender. */
export interface Turn {
  requestsPerSecond: number;
  /** CPU of each side per request, microseconds; 0 for a side without a proxy. */
  clientUs: number;
  serverUs: number;
}

/** Rounds of as many requests as come back over 32 connections, with the CPU that each proxy used meanwhile. */
export async function closedLoopRounds(
  bench: Bench,
  deployers: readonly Deployer[],
  shape: Shape,
): Promise<Record<string, Turn[]>> {
  const { rounds } = bench.options.durations;
  const entries: Entry[] = [];
  for (const deployer of deployers) entries.push(await enter(bench, deployer, { shape }));
  for (const entry of entries) {
    bench.say(`${shape}: warming up ${entry.name}`);
    await closedLoop(bench, entry.site, entry.deployment, { ...LOAD, durationMs: bench.options.durations.measureMs });
  }
  const results = await interleave(rounds, entries, (entry, round) => {
    bench.say(`${shape}: round ${round + 1} of ${rounds}, ${entry.name}`);
    return turn(bench, entry);
  });
  for (const { deployment } of entries) await deployment.verify();
  await leave(bench, entries);
  return results;
}

async function turn(bench: Bench, { site, deployment }: Entry): Promise<Turn> {
  const { warmUpMs, measureMs } = bench.options.durations;
  await closedLoop(bench, site, deployment, { ...LOAD, durationMs: warmUpMs });
  const before = [deployment.client, deployment.server].map(cpuOf);
  const { requests, requestsPerSecond } = await closedLoop(bench, site, deployment, { ...LOAD, durationMs: measureMs });
  const after = [deployment.client, deployment.server].map(cpuOf);
  const perRequestUs = (side: number) => ((after[side]! - before[side]!) * 1000) / requests;
  return { requestsPerSecond, clientUs: perRequestUs(0), serverUs: perRequestUs(1) };
}

export function cpuOf(program: Program | null): number {
  program?.assertRunning();
  return program === null ? 0 : cpuMs(program.pid);
}
