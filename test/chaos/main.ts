/**
 * `make chaos`: operators at a real API server with its etcd. First a leader ends at each step of what it does; then HISTORIES (default 500) seeded histories of
 * faults, each a sequence of writes while connections, API server, etcd, clocks and operators fail. After each, everything has to be as if it had been made from
 * scratch. `SEED=n` runs that history alone, REPEAT times; `FIRST=n` begins with it. `LEASE_MS=1000` is a lease that leaders of a busy machine lose. Exit code 1 where
 * anything was not as it must be.
 */
import { historyOf, told } from './history.ts';
import { FIRST_SECRET, LEADER_STEPS, loseLeaderAt, MOMENTS } from './leader-steps.ts';
import { type Moment, type Outcome, World } from './world.ts';

const OPERATORS = Number(process.env['OPERATORS'] ?? 2);
const HISTORIES = Number(process.env['HISTORIES'] ?? 500);
const FIRST = Number(process.env['FIRST'] ?? 1);
const SEED = process.env['SEED'];
const REPEAT = Number(process.env['REPEAT'] ?? 1);
const PROGRESS = 25;
const SHOWN = 20;
const SHOWN_LENGTH = 2_000;

async function main(): Promise<boolean> {
  const world = await World.start({ operators: OPERATORS, trap: FIRST_SECRET });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => world.stop().finally(() => process.exit(130)));
  try {
    if (SEED !== undefined) return (await histories(world, Array(REPEAT).fill(Number(SEED)))) === 0;
    const lost = FIRST === 1 ? await leaderSteps(world) : 0;
    const seeds = Array.from({ length: HISTORIES }, (_, at) => FIRST + at);
    return (await histories(world, seeds)) + lost === 0;
  } finally {
    await world.stop();
  }
}

async function leaderSteps(world: World): Promise<number> {
  let failed = 0;
  for (const [at, step] of LEADER_STEPS.entries())
    for (const moment of ['unsent', 'unheard'] as const satisfies Moment[]) {
      const violations = await loseLeaderAt(step, moment, world, 2 * at + (moment === 'unsent' ? 0 : 1));
      failed += violations.length > 0 ? 1 : 0;
      console.log(`a leader that ends as it ${step.what}, ${MOMENTS[moment]}: ${violations.length} violations`);
      show(violations);
    }
  return failed;
}

async function histories(world: World, seeds: readonly number[]): Promise<number> {
  const outcomes: Outcome[] = [];
  let failed = 0;
  for (const seed of seeds) {
    const history = historyOf(seed, OPERATORS);
    if (SEED !== undefined && outcomes.length === 0) console.log(told(history));
    const outcome = await world.run(history);
    outcomes.push(outcome);
    if (outcome.violations.length > 0) {
      failed += 1;
      console.log(`FAILED, repeat with SEED=${seed} make chaos\n${told(history)}`);
      show(outcome.violations);
    }
    if (outcomes.length % PROGRESS === 0 || outcomes.length === seeds.length) console.log(summary(outcomes, failed));
  }
  return failed;
}

function show(violations: readonly string[]): void {
  for (const violation of violations.slice(0, SHOWN)) console.log(`  ! ${violation.slice(0, SHOWN_LENGTH)}`);
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
