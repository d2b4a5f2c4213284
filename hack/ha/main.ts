/**
 * What the loss of any part costs: 200 requests a second from one node to an application on two, and then, one after the other, a replica of the operator, the
 * leader, etcd and a node are lost. In each phase a change is made, and the time until the first answer that shows it is measured from when the API server has taken it.
 *
 *   main.ts [--only PHASE,…]     exit status 0 when every check holds
 */

import { join } from 'node:path';
import { getJson, kubectl, ROOT, rollout } from '../demo/kubectl.ts';
import { sleep, until } from '../demo/shell.ts';
import { type Check, check } from '../demo/step.ts';
import { Changes } from './change.ts';
import { firstSeen, type Reports, requestChecks, setPhase, startLoads, stopLoads } from './loads.ts';
import { PHASES, type PhaseOfLosses, type Run } from './phases.ts';
import { NAMESPACE, whole } from './world.ts';

const EFFECT_LIMIT_MS = 2_000;
const EFFECT_WAIT_MS = 60_000;
const WARM_UP = 'warm-up';

const startedMs = performance.now();
function say(text: string): void {
  console.log(`   ${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

function selected(argv: readonly string[]): readonly PhaseOfLosses[] {
  const index = argv.indexOf('--only');
  const only = index < 0 ? [] : (argv[index + 1] ?? '').split(',');
  return index < 0 ? PHASES : PHASES.filter(({ id }) => only.includes(id));
}

async function deploy(): Promise<void> {
  await whole();
  await kubectl(['apply', '-f', join(ROOT, 'hack/ha/world.yaml')]);
  await rollout(NAMESPACE, 'deploy/web', 'deploy/caller');
  await until('the route is in force', 30_000, async () => {
    const { status } = await getJson<{ status?: { parents?: unknown[] } }>('httproute', 'web', '-n', NAMESPACE);
    return (status?.parents ?? []).length > 0 ? true : null;
  });
}

async function runPhase({ id, title, act }: PhaseOfLosses, changes: Changes): Promise<Check[]> {
  say(`${id}: ${title}`);
  await setPhase(id);
  const effects: Promise<Check>[] = [];
  const run: Run = {
    say: (text) => say(`   ${text}`),
    async change(limitMs = 20_000) {
      const takenMs = await changes.make(id, limitMs);
      run.say('a change is taken by the API server');
      effects.push(effectOf(id, takenMs, run));
    },
  };
  const checks = await act(run).catch((error: unknown) => [check('runs to its end', 'yes', String(error), false)]);
  return [...checks, ...(await Promise.all(effects))];
}

async function effectOf(id: string, takenMs: number, run: Run): Promise<Check> {
  const seen = await until('an effect', EFFECT_WAIT_MS, () => firstSeen(id, id), 300).catch(() => null);
  const effectMs = seen === null ? Number.POSITIVE_INFINITY : Math.max(0, seen.value - takenMs);
  run.say(`the change has taken effect after ${effectMs} ms`);
  return check(
    'a change made meanwhile',
    `in effect within ${EFFECT_LIMIT_MS} ms`,
    `${effectMs} ms`,
    effectMs <= EFFECT_LIMIT_MS,
  );
}

function print(phase: PhaseOfLosses, checks: readonly Check[]): void {
  console.log(`\n   ${phase.id}: ${phase.title}`);
  for (const { holds, what, expected, measured } of checks) {
    console.log(`      ${holds ? 'ok  ' : 'FAIL'} ${what}: expected ${expected}; measured ${measured}`);
  }
}

async function main(): Promise<number> {
  const phases = selected(process.argv);
  await deploy();
  const changes = new Changes();
  const made = new Map<PhaseOfLosses, Check[]>();
  let reports: Reports;
  try {
    await startLoads(WARM_UP);
    await sleep(3_000);
    for (const phase of phases) made.set(phase, await runPhase(phase, changes));
    reports = await stopLoads();
  } finally {
    changes.stop();
  }
  let [held, failed] = [0, 0];
  for (const phase of phases) {
    const checks = [...requestChecks(reports, phase.id, phase.tolerated ?? {}), ...(made.get(phase) ?? [])];
    print(phase, checks);
    held += checks.filter(({ holds }) => holds).length;
    failed += checks.filter(({ holds }) => !holds).length;
  }
  console.log(`\n${held} checks hold, ${failed} do not; ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
