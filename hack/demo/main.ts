/**
 * The demonstration: every step prints the command a user would type, what is expected, and what was measured.
 *
 *   main.ts [--only a,d,e]     exit status 0 when every check holds
 *   main.ts --only grpc        a step that takes five minutes, and runs only when it is named; so do downloads, silent, gap, reinstall and rotation
 */
import { runGroup, type Step, type StepResult } from './step.ts';
import { authorization } from './steps/authorization.ts';
import { authorizationPolicy } from './steps/authorization-policy.ts';
import { away } from './steps/away.ts';
import { canaryStep } from './steps/canary.ts';
import { weftCheck } from './steps/check.ts';
import { circuitBreaking } from './steps/circuit-breaking.ts';
import { command, tap } from './steps/command.ts';
import { downloads } from './steps/downloads.ts';
import { gap } from './steps/gap.ts';
import { grpcRoute } from './steps/grpc-route.ts';
import { httpRoute } from './steps/http-route.ts';
import { inspection } from './steps/inspection.ts';
import { invalid } from './steps/invalid.ts';
import { local } from './steps/local.ts';
import { pods } from './steps/pods.ts';
import { poll } from './steps/poll.ts';
import { reinstall } from './steps/reinstall.ts';
import { resources } from './steps/resources.ts';
import { restart } from './steps/restart.ts';
import { retriesStep } from './steps/retries.ts';
import { rotation } from './steps/rotation.ts';
import { silent } from './steps/silent.ts';
import { timeout } from './steps/timeout.ts';
import { tls } from './steps/tls.ts';

/** At 200 requests a second: 4,000 and some more after the effect of each phase. */
const canary = canaryStep({ phaseMs: 20_400, minimum: 4000 });
const retries = retriesStep({ runMs: 30_400, downMs: 30_000, minimum: 6000 });

/** Lanes of one group run at the same time: they touch different Services, and the embedded mode is a world of its own. */
const GROUPS: Step[][][] = [
  [[pods]],
  [[resources]],
  [[timeout]],
  [[tls, grpcRoute], [invalid], [canary, httpRoute], [retries, authorization, authorizationPolicy]],
  [[away], [local]],
  // Every workload starts anew at once: what runs beside it would wait for a CPU for seconds on a small machine.
  [[restart]],
  // Stays when the demonstration is over, for whoever wants to look at it.
  [[poll, command, tap, inspection]],
  [[weftCheck]],
];

/** Five minutes without retries, one with. */
const grpc = circuitBreaking({
  steadyMs: 30_000,
  slowMs: 90_000,
  failingMs: 90_000,
  backMs: 45_000,
  retriedMs: 60_000,
});

/** Steps of minutes, which run only when they are named. */
const NAMED: Step[][][] = [[[grpc]], [[gap]], [[silent]], [[downloads]], [[reinstall]], [[rotation]]];

function selected(argv: readonly string[]): Step[][][] {
  const index = argv.indexOf('--only');
  if (index < 0) return GROUPS;
  const only = (argv[index + 1] ?? '').split(',');
  const chosen = [...GROUPS, ...NAMED].map((lanes) =>
    lanes.map((lane) => lane.filter((step) => only.includes(step.id))),
  );
  return chosen.map((lanes) => lanes.filter((lane) => lane.length > 0)).filter((lanes) => lanes.length > 0);
}

async function main(): Promise<number> {
  const startedMs = performance.now();
  const results: StepResult[] = [];
  for (const group of selected(process.argv)) results.push(...(await runGroup(group)));
  const checks = results.flatMap((result) => result.checks);
  const failed = checks.filter((entry) => !entry.holds).length;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  console.log(`${checks.length - failed} checks hold, ${failed} do not; ${seconds} s`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
