import type { Bench } from '../bench.ts';
import { startBackend } from '../contenders/backend.ts';
import type { Deployer, Deployment, DeployOptions } from '../contenders/deployment.ts';
import type { Site } from '../host/site.ts';
import { startSink } from '../load/tcp.ts';

/** One contender with its own pods and backends, ready for load. */
export interface Entry {
  name: string;
  site: Site;
  deployment: Deployment;
}

export async function enter(bench: Bench, deployer: Deployer, options: DeployOptions): Promise<Entry> {
  const { shape, carried = 'http1' } = options;
  bench.say(`${deployer.name}: starting`);
  const site = await bench.site();
  const pod = shape === 'outbound' ? site.plain : site.server;
  if (carried === 'bytes') await startSink(bench, pod);
  else await startBackend(bench, pod, carried);
  return { name: deployer.name, site, deployment: await deployer.deploy(site, options) };
}

export async function leave(bench: Bench, entries: readonly Entry[]): Promise<void> {
  for (const { deployment, site } of entries) {
    await deployment.stop();
    await bench.closeSite(site);
  }
  await bench.programs.stopAll();
}

/**
 * Rounds in which every contender has its turn, so that the speed of the host, which drifts, is about the same for all of a round. The order
 * turns round: nobody always comes after the same neighbour. Returns for each contender what its turns returned.
 */
export async function interleave<E extends { name: string }, R>(
  rounds: number,
  entries: readonly E[],
  turn: (entry: E, round: number) => Promise<R>,
): Promise<Record<string, R[]>> {
  const results: Record<string, R[]> = Object.fromEntries(entries.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let offset = 0; offset < entries.length; offset++) {
      const entry = entries[(round + offset) % entries.length]!;
      results[entry.name]!.push(await turn(entry, round));
    }
  }
  return results;
}

export function pick<R>(
  results: Readonly<Record<string, readonly R[]>>,
  value: (result: R) => number,
): Record<string, number[]> {
  return Object.fromEntries(Object.entries(results).map(([name, all]) => [name, all.map(value)]));
}
