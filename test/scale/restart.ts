import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from './clock.ts';
import { spreadOf, sum } from './distribution.ts';
import type { RestartFigures } from './figures.ts';
import type { Operators } from './operators.ts';
import type { Troupe } from './proxies/troupe.ts';

/** All proxies are looked at so often. */
const LOOK_MS = 100;
const GIVE_UP_MS = 60_000;
/** Until those that are back have told what they were sent. */
const TAIL_MS = 2_000;

/** One replica is restarted while the cluster goes on changing; its proxies go to the others. */
export async function measureRestart(
  operators: Operators,
  troupe: Troupe,
  { proxies, fullBytes }: { proxies: number; fullBytes: readonly number[] },
): Promise<RestartFigures> {
  troupe.say({ type: 'mark' });
  await sleep(LOOK_MS);
  const at = operators.hosts.length - 1;
  const leaving = connectedOf((await operators.metrics())[at]!);
  const startMs = machineMs();
  const restarted = operators.restart(at);
  const allBackMs = await untilBack(troupe, { proxies, leaving }, startMs);
  await restarted;
  await sleep(TAIL_MS);
  const figures = await troupe.figures();
  const resumed = figures.resumeBytes;
  return {
    moved: sum(Object.values(figures.dropped)),
    back: figures.backMs.length,
    allBackMs,
    awayMs: spreadOf(figures.backMs),
    fullBytes: sum(fullBytes) / fullBytes.length,
    resumeBytes: sum(resumed) / resumed.length,
    resumeMaxBytes: Math.max(...resumed),
    reasons: figures.dropped,
  };
}

function connectedOf(metrics: string): number {
  const [, count] = /^weft_config_connected_proxies (\d+)$/m.exec(metrics) ?? [];
  if (count === undefined) throw new Error('a replica does not tell how many proxies it has');
  return Number(count);
}

/** From `startMs` until every proxy is connected again, after as many as leave one by one have been away; infinite where that takes too long. */
async function untilBack(
  troupe: Troupe,
  { proxies, leaving }: { proxies: number; leaving: number },
  startMs: number,
): Promise<number> {
  for (;;) {
    await sleep(LOOK_MS);
    const { settled, dropped } = await troupe.figures();
    const passedMs = machineMs() - startMs;
    if (settled === proxies && sum(Object.values(dropped)) >= leaving) return passedMs;
    if (passedMs > GIVE_UP_MS) return Number.POSITIVE_INFINITY;
  }
}
