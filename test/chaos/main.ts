/**
 * `make chaos`: HISTORIES (default 500) seeded histories of faults, each a sequence of writes to real objects at a real API server while connections, API server,
 * etcd, clocks and operators fail. After each, everything has to be as if it had been made from scratch. `SEED=n` runs that one alone. Exit code 1 otherwise.
 */
import { historyOf, told } from './history.ts';
import { type Outcome, World } from './world.ts';

const OPERATORS = Number(process.env['OPERATORS'] ?? 2);
const HISTORIES = Number(process.env['HISTORIES'] ?? 500);
const FIRST = Number(process.env['FIRST'] ?? 1);
const SEED = process.env['SEED'];
const PROGRESS = 25;

async function main(): Promise<boolean> {
  const seeds = SEED === undefined ? Array.from({ length: HISTORIES }, (_, at) => FIRST + at) : [Number(SEED)];
  const world = await World.start({ operators: OPERATORS });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => world.stop().finally(() => process.exit(130)));
  const outcomes: Outcome[] = [];
  let failed = 0;
  try {
    for (const seed of seeds) {
      const history = historyOf(seed, OPERATORS);
      if (SEED !== undefined) console.log(told(history));
      const outcome = await world.run(history);
      outcomes.push(outcome);
      if (outcome.violations.length > 0) {
        failed += 1;
        console.log(`FAILED, repeat with SEED=${seed} make chaos\n${told(history)}`);
        for (const violation of outcome.violations.slice(0, 20)) console.log(`  ! ${violation.slice(0, 2_000)}`);
      }
      if (outcomes.length % PROGRESS === 0 || seed === seeds.at(-1)) console.log(summary(outcomes, failed));
    }
  } finally {
    await world.stop();
  }
  return failed === 0;
}

function summary(outcomes: readonly Outcome[], failed: number): string {
  const settled = outcomes.map(({ settledMs }) => settledMs).toSorted((a, b) => a - b);
  const share = (of: number) => Math.round(settled[Math.floor((settled.length - 1) * of)] ?? 0);
  const seconds = outcomes.reduce((sum, { tookMs }) => sum + tookMs, 0) / 1_000;
  const late = outcomes.reduce((sum, { lateWrites }) => sum + lateWrites, 0);
  const times = `settled within ${share(0.5)} ms (median), ${share(0.99)} ms (99 %), ${share(1)} ms (longest)`;
  return `${outcomes.length} histories in ${seconds.toFixed(0)} s, ${failed} failed; ${times}; ${late} late writes`;
}

process.exitCode = (await main()) ? 0 : 1;
