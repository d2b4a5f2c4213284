/**
 * `make soak`: mixed traffic through a client's and two servers' proxies for SOAK_MINUTES (default 60), while endpoints, splits, profiles, policies, certificates and
 * trust anchors change all the time. Some 500 requests and messages a second: at a third of that the runtime still compiled after half an hour, and memory grew
 * until it had done. No request may fail, memory and handles must stay flat. Report: build/soak.json. Exit code 1 otherwise.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine } from '../support/proxy-process.ts';
import { Changes } from './changes.ts';
import { startTcp, startWebSockets } from './load/echo.ts';
import { startGrpc } from './load/grpc.ts';
import { startHttp1 } from './load/http1.ts';
import { startHttp2 } from './load/http2.ts';
import { type Failure, KINDS, Tally } from './tally.ts';
import { judge, type Sample, sampleOf, type Verdict } from './watch.ts';
import { World } from './world.ts';

/** No multiple of it is a period of the load or of the collections of garbage: each would always be seen in the same phase, and drift into another. */
const SAMPLE_MS = 1370;
const PROGRESS_MS = 60_000;
/** A shorter run shows how memory settles, not whether it grows: it is reported, not judged. */
const JUDGED_MINUTES = 20;
const BUILD = join(import.meta.dirname, '..', '..', 'build');

type Samples = ReadonlyMap<string, Sample[]>;

async function main(minutes: number): Promise<void> {
  const world = await World.start();
  // The proxies are processes of their own: they would outlive an interrupted run.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => world.stop().finally(() => process.exit(130)));
  const tally = new Tally(printFailure);
  const samples: Samples = new Map([...world.proxies.keys()].map((name) => [name, []]));
  try {
    await world.warmUp();
    const changes = new Changes(world);
    const context = { targets: world.targets, tally };
    const loads = [startHttp1, startHttp2, startGrpc, startWebSockets, startTcp].map((start) => start(context));
    await watch(world, tally, samples, minutes * 60_000);
    await Promise.all(loads.map((load) => load.stop()));
    await changes.stop();
    const lost = [...world.ended, ...(await world.detached())];
    report({ minutes, tally, samples, changes: changes.counts, lost, logs: world.notableLogs() });
  } finally {
    await world.stop();
  }
}

async function watch(world: World, tally: Tally, samples: Samples, forMs: number): Promise<void> {
  const startedMs = performance.now();
  let progressMs = PROGRESS_MS;
  for (let atMs = 0; atMs < forMs && world.ended.length === 0; atMs = performance.now() - startedMs) {
    for (const [name, proxy] of world.proxies) samples.get(name)!.push(sampleOf(proxy.pid, Math.round(atMs / 1000)));
    if (atMs >= progressMs) {
      progressMs += PROGRESS_MS;
      console.log(
        `${Math.round(atMs / 60_000)} min: ${tally.total} requests, ${tally.failedTotal} failed; ${latest(samples)}`,
      );
    }
    await sleep(Math.min(SAMPLE_MS, forMs - atMs));
  }
}

function latest(samples: Samples): string {
  const shown = [...samples].map(([name, list]) => {
    const { anonymousKib, handles } = list.at(-1)!;
    return `${name} ${(anonymousKib / 1024).toFixed(1)} MiB, ${handles} handles`;
  });
  return shown.join('; ');
}

function printFailure({ atSeconds, kind, reason }: Failure): void {
  console.log(`FAILED after ${atSeconds} s: ${kind}: ${reason}`);
}

interface Outcome {
  minutes: number;
  tally: Tally;
  samples: Samples;
  changes: Readonly<Record<string, number>>;
  /** Proxies that have ended, or do not hear of changes any more. */
  lost: string[];
  /** What the proxies had to say: the first place to look after a failure. */
  logs: Readonly<Record<string, LogLine[]>>;
}

function report({ minutes, tally, samples, changes, lost, logs }: Outcome): void {
  const verdicts = Object.fromEntries([...samples].map(([name, list]) => [name, judge(list)]));
  for (const kind of KINDS)
    console.log(`${kind.padEnd(14)} ${tally.succeeded[kind]} succeeded, ${tally.failed[kind]} failed`);
  console.log(
    `changes: ${Object.entries(changes)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ')}`,
  );
  for (const [name, list] of samples) printVerdict(name, verdicts[name]!, list);
  for (const name of lost) console.log(`${name}: the proxy has ended, or has lost its configuration stream`);
  const judged = minutes >= JUDGED_MINUTES;
  if (!judged) console.log(`memory and handles are judged from ${JUDGED_MINUTES} minutes on`);
  const flat = Object.values(verdicts).every(({ memory, handles }) => memory.flat && handles.flat);
  // A kind without a single success was not tested.
  const silent = KINDS.filter((kind) => tally.succeeded[kind] === 0);
  for (const kind of silent) console.log(`${kind}: no request came through`);
  const passed = tally.failedTotal === 0 && lost.length === 0 && silent.length === 0 && (flat || !judged);
  console.log(passed ? 'soak: passed' : 'soak: FAILED');
  if (!passed) process.exitCode = 1;
  const { succeeded, failed, failures } = tally;
  mkdirSync(BUILD, { recursive: true });
  const file = {
    passed,
    minutes,
    judged,
    succeeded,
    failed,
    failures,
    changes,
    verdicts,
    lost,
    logs,
    samples: Object.fromEntries(samples),
  };
  writeFileSync(join(BUILD, 'soak.json'), `${JSON.stringify(file, null, 1)}\n`);
}

function printVerdict(name: string, { memory, handles }: Verdict, samples: readonly Sample[]): void {
  const mib = (kib: number) => (kib / 1024).toFixed(1);
  const { cpuSeconds = 0, atSeconds = 1 } = samples.at(-1) ?? {};
  const cpu = `CPU ${((100 * cpuSeconds) / Math.max(1, atSeconds)).toFixed(1)} % of a core`;
  const memoryText = `memory ${mib(memory.second)} → ${mib(memory.last)} MiB (× ${memory.ratio.toFixed(3)})`;
  const flat = memory.flat && handles.flat ? 'flat' : 'NOT FLAT';
  console.log(`${name.padEnd(8)} ${memoryText}, handles ${handles.second} → ${handles.last}: ${flat}; ${cpu}`);
}

await main(Number(process.env['SOAK_MINUTES'] ?? 60));
