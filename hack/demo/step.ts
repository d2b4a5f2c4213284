import ora from 'ora';

/** One measured statement of the demonstration. */
export interface Check {
  what: string;
  expected: string;
  measured: string;
  holds: boolean;
}

export interface Step {
  /** Letter of the step; also its name on the command line. */
  id: string;
  title: string;
  /** What a user would type. */
  commands: string[];
  run(): Promise<Check[]>;
}

export function check(what: string, expected: string, measured: string | number, holds: boolean): Check {
  return { what, expected, measured: String(measured), holds };
}

export interface StepResult {
  step: Step;
  checks: Check[];
  seconds: number;
}

/** Runs the lanes of one group at the same time, the steps of a lane one after the other; prints each when the group is done. */
export async function runGroup(lanes: readonly (readonly Step[])[]): Promise<StepResult[]> {
  const title = lanes
    .flat()
    .map((step) => `${step.id}. ${step.title}`)
    .join('  |  ');
  const spinner = ora({ text: title, stream: process.stdout }).start();
  const results = (await Promise.all(lanes.map(runLane))).flat();
  const failed = results.some((result) => result.checks.some((entry) => !entry.holds));
  if (failed) spinner.fail(title);
  else spinner.succeed(title);
  for (const result of results) print(result);
  return results;
}

async function runLane(steps: readonly Step[]): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const step of steps) results.push(await runStep(step));
  return results;
}

async function runStep(step: Step): Promise<StepResult> {
  const startedMs = performance.now();
  const checks = await step
    .run()
    .catch((error: unknown) => [
      check('the step runs to its end', 'yes', error instanceof Error ? error.message : String(error), false),
    ]);
  return { step, checks, seconds: (performance.now() - startedMs) / 1000 };
}

function print(result: StepResult): void {
  console.log(`\n   ${result.step.id}. ${result.step.title} (${result.seconds.toFixed(1)} s)`);
  for (const command of result.step.commands) console.log(`      $ ${command}`);
  for (const entry of result.checks) {
    console.log(
      `      ${entry.holds ? 'ok  ' : 'FAIL'} ${entry.what}: expected ${entry.expected}; measured ${entry.measured}`,
    );
  }
  console.log('');
}
