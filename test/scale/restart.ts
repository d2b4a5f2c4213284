import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from './clock.ts';
import { spreadOf, sum } from './distribution.ts';
import type { RestartFigures } from './figures.ts';
import { gaugeOf } from './histogram.ts';
import type { Operators } from './operators.ts';
import type { Figures } from './proxies/protocol.ts';
import type { Troupe } from './proxies/troupe.ts';

/** All proxies are looked at so often. */
const LOOK_MS = 250;
const GIVE_UP_MS = 60_000;
/** Until those that are back have told what they were sent. */
const TAIL_MS = 2_000;
const CONNECTED = 'weft_config_connected_proxies';

/** What takes part in it. */
export interface RestartParts {
  operators: Pick<Operators, 'hosts' | 'metrics' | 'end' | 'begin'>;
  troupe: Pick<Troupe, 'say' | 'figures'>;
  /** To these of the replicas the operator's Service is to lead. */
  lead(replicas: number[]): Promise<void>;
}

export interface RestartOptions {
  /** Of the replica. */
  number: number;
  signal: RestartFigures['signal'];
  proxies: number;
  /** What each proxy was sent that had nothing. */
  fullBytes: readonly number[];
}

/** One replica ends while the cluster goes on changing, and its proxies go to the others; then it starts again. */
export async function measureRestart(parts: RestartParts, options: RestartOptions): Promise<RestartFigures> {
  const { operators, troupe } = parts;
  const { number, signal } = options;
  const all = operators.hosts.map((_, at) => at);
  troupe.say({ type: 'mark' });
  await sleep(LOOK_MS);
  const leaving = gaugeOf([(await operators.metrics())[number]!], CONNECTED);
  const startMs = machineMs();
  const gone = operators.end(number, signal);
  await parts.lead(all.filter((at) => at !== number));
  const isBack = await untilBack(troupe, { proxies: options.proxies, leaving }, startMs);
  await gone;
  await sleep(TAIL_MS);
  const figures = await troupe.figures();
  await operators.begin(number);
  await parts.lead(all);
  return figuresOf(options, figures, isBack ? startMs : null);
}

/** @param startMs null: not all have come back */
function figuresOf({ signal, fullBytes }: RestartOptions, figures: Figures, startMs: number | null): RestartFigures {
  const { dropped, backMs, resumeBytes, firstEndedMs, lastBackMs } = figures;
  const until = (fromMs: number | null) =>
    startMs === null || fromMs === null || lastBackMs === null ? Number.POSITIVE_INFINITY : lastBackMs - fromMs;
  return {
    signal,
    moved: sum(Object.values(dropped)),
    back: backMs.length,
    allBackMs: until(firstEndedMs),
    sinceSignalMs: until(startMs),
    awayMs: spreadOf(backMs),
    fullBytes: sum(fullBytes) / fullBytes.length,
    resumeBytes: sum(resumeBytes) / resumeBytes.length,
    resumeMaxBytes: Math.max(...resumeBytes),
    reasons: dropped,
  };
}

/** Resolves when every proxy is connected, after as many as leave one by one have been away; with false where that takes too long. */
async function untilBack(
  troupe: RestartParts['troupe'],
  { proxies, leaving }: { proxies: number; leaving: number },
  startMs: number,
): Promise<boolean> {
  while (machineMs() - startMs < GIVE_UP_MS) {
    await sleep(LOOK_MS);
    const { settled, dropped } = await troupe.figures();
    if (settled === proxies && sum(Object.values(dropped)) >= leaving) return true;
  }
  return false;
}
