import type { Bench } from '../bench.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { RivalDeployer } from '../contenders/rivals.ts';
import { type Measurement, times } from '../figures.ts';
import { sendBytes, startSink } from '../load/tcp.ts';
import { cpuOf } from './closed-loop.ts';
import { type Entry, enter, interleave, leave, pick } from './interleave.ts';

const SPLICED = 'haproxy, kernel splicing';
const DIRECT = 'direct';
const GIGABYTE = 1e9;

interface Turn {
  gigabitsPerSecond: number;
  /** Of the proxy; milliseconds per gigabyte. */
  cpuMs: number;
}

/** Bytes through the client's proxy to a service that is declared opaque: one connection, 256 KB a write, as fast as they go. */
export async function runP9(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const { rounds, measureMs } = bench.options.durations;
  const spliced = deployers.some(({ name }) => name === 'haproxy')
    ? [new RivalDeployer(bench, 'haproxy', { file: 'splice', name: SPLICED })]
    : [];
  const entries: Entry[] = [await direct(bench)];
  for (const deployer of [...deployers, ...spliced])
    entries.push(await enter(bench, deployer, { shape: 'outbound', carried: 'bytes' }));
  for (const entry of entries) await turn(bench, entry, measureMs);
  const turns = await interleave(rounds, entries, (entry, round) => {
    bench.say(`bytes: round ${round + 1} of ${rounds}, ${entry.name}`);
    return turn(bench, entry, measureMs);
  });
  for (const { deployment } of entries) await deployment.verify();
  await leave(bench, entries);
  return report(turns);
}

async function direct(bench: Bench): Promise<Entry> {
  const site = await bench.site(false);
  await startSink(bench, site.plain);
  const nothing = { client: null, server: null, asProxyUser: false, verify: async () => {}, stop: async () => {} };
  return { name: DIRECT, site, deployment: { ...nothing, url: site.plainAppUrl } };
}

async function turn(bench: Bench, { site, deployment }: Entry, durationMs: number): Promise<Turn> {
  const before = cpuOf(deployment.client);
  const { bytes, elapsedMs } = await sendBytes(bench, site, deployment.url, durationMs);
  const usedMs = cpuOf(deployment.client) - before;
  return { gigabitsPerSecond: (bytes * 8) / elapsedMs / 1e6, cpuMs: usedMs / (bytes / GIGABYTE) };
}

function report(turns: Record<string, Turn[]>): Measurement[] {
  const { [DIRECT]: _, ...proxies } = turns;
  const what = 'TCP one hop, outbound, one connection, writes of 256 KB';
  const line = { row: 'P9', rival: 'haproxy' };
  return [
    {
      ...line,
      what: `${what}: throughput`,
      unit: 'Gb/s',
      better: 'higher',
      samples: pick(turns, ({ gigabitsPerSecond }) => gigabitsPerSecond),
      bars: [times(0.9, 'haproxy')],
      stretch: times(1.1, 'haproxy'),
    },
    {
      ...line,
      what: `${what}: CPU per gigabyte`,
      unit: 'ms',
      samples: pick(proxies, ({ cpuMs }) => cpuMs),
      bars: [],
      stretch: null,
    },
  ];
}
