/**
 * `make scale`: three replicas of the operator at a real API server that holds what a large cluster does, and simulated proxies on their streams, while endpoints and
 * resources change. Measures and judges (`judge.ts`); the figures go to `build/scale.json`. Exit code 1 where a bar does not hold. `options.ts` says what can be set.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPrograms } from '../../hack/apiserver/programs.ts';
import { requirePrograms } from '../bench/host/prerequisites.ts';
import { againInPrivateNetwork, insidePrivateNetwork, raiseLoopback } from '../bench/host/private-network.ts';
import { extrapolate, extrapolationText } from './extrapolate.ts';
import type { RestartFigures, WindowFigures } from './figures.ts';
import { judgeRestart, judgeWindow, type Verdict } from './judge.ts';
import { formatMarkdown } from './markdown.ts';
import { type Options, readOptions } from './options.ts';
import { formatCurve, formatVerdicts, writeFigures } from './report.ts';
import { measureRestart } from './restart.ts';
import { measureWindow } from './window.ts';
import { World } from './world.ts';

const BUILD = fileURLToPath(new URL('../../build/scale', import.meta.url));
/** Of which the curve is to say what they would take. */
const LARGE_PROXIES = 20_000;
const startMs = performance.now();

/** On a line of its own: there may be no terminal. */
function say(text: string): void {
  const seconds = Math.round((performance.now() - startMs) / 1_000);
  console.log(`${String(seconds).padStart(5)} s  ${text}`);
}

async function run(options: Options): Promise<boolean> {
  const world = await World.start({ ...options, directory: BUILD, say });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void world.stop().finally(() => process.exit(130)));
  try {
    return await measure(world, options);
  } finally {
    await world.stop();
  }
}

async function measure(world: World, options: Options): Promise<boolean> {
  const { operators, troupe, traces, serverPids, churn } = world;
  const parts = { operators, troupe, traces, serverPids, say, failedWrites: () => churn.failed };
  await world.settled();
  const windows: WindowFigures[] = [];
  const fullBytes: number[] = [];
  for (const { proxies, seconds } of options.steps) {
    say(`${proxies} proxies connect`);
    fullBytes.push(...(await world.connect(proxies)));
    await world.settled();
    say(`${proxies} proxies are connected; measuring for ${seconds} s`);
    if (windows.length === 0) churn.start();
    windows.push(await measureWindow(parts, proxies, seconds));
    say(summary(windows.at(-1)!));
  }
  const { proxies } = options.steps.at(-1)!;
  const restarts: RestartFigures[] = [];
  // The first replica answers webhooks; after the restart of the last, the second has half of the proxies.
  for (const [number, signal] of [
    [2, 'SIGTERM'],
    [1, 'SIGKILL'],
  ] as const) {
    say(`a replica gets ${signal}`);
    restarts.push(await measureRestart(world, { number, signal, proxies, fullBytes }));
  }
  await churn.stop();
  const verdicts: Verdict[] = [...judgeWindow(windows.at(-1)!), ...restarts.flatMap(judgeRestart)];
  const large = extrapolate(windows, LARGE_PROXIES);
  const measured = { windows, restarts, verdicts, large };
  writeFigures(options.output, measured);
  writeFileSync(options.markdown, formatMarkdown(measured));
  console.log(formatCurve(windows));
  if (large !== null) console.log(extrapolationText(large));
  console.log(formatVerdicts(verdicts));
  console.log(
    `written to ${options.output}, as tables to ${options.markdown}; logs of the replicas are in ${join('build', 'scale')}`,
  );
  return verdicts.every(({ holds }) => holds);
}

function summary({ proxies, operators, firstMs, lastMs }: WindowFigures): string {
  const mib = Math.round(operators.memoryBytes / 1_048_576);
  const times = `first ${firstMs.p99.toFixed(1)} ms, last ${lastMs.p99.toFixed(1)} ms (p99)`;
  return `${proxies} proxies: ${operators.cores.toFixed(3)} cores, ${mib} MiB, ${times}`;
}

async function main(): Promise<number> {
  const options = readOptions(process.env);
  if (!insidePrivateNetwork()) {
    if (process.getuid?.() !== 0) throw new Error('a network namespace needs root');
    requirePrograms(['setpriv', 'unshare', 'ip'], (text) => console.error(text));
    await findPrograms(['etcd', 'kube-apiserver', 'kubectl']);
    return againInPrivateNetwork();
  }
  raiseLoopback();
  return (await run(options)) ? 0 : 1;
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(error);
    return 1;
  }),
);
