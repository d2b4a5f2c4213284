/** Runs one fuzz target for a time: what every target's command line is. */
export interface Inputs<I> {
  next(): I;
}

/** Progress is printed this often. */
const PROGRESS_MS = 10_000;
/** CPU time of one input beyond which it is a finding: inputs are a few kilobytes, and every reader is linear. */
const SLOW_MS = 2000;

interface Finding {
  error: unknown;
  input: unknown;
  count: number;
}

/**
 * `node test/fuzz/<target>.ts [seconds] [seed]`: checks inputs until the time is up or one fails. Prints the input of a finding, ready to be kept as a unit test,
 * and sets the exit code 1.
 */
export function runFromCommandLine<I>(
  name: string,
  create: (seed: number) => Inputs<I>,
  check: (input: I) => void,
): void {
  const seconds = Number(process.argv[2] ?? 60);
  const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
  const { count, finding } = run(name, create(seed), check, seconds * 1000);
  if (finding === null) {
    console.log(`${name}: ${count} inputs in ${seconds} s, no finding (seed ${seed})`);
    return;
  }
  console.error(`${name}: FINDING at input ${finding.count} of seed ${seed}: ${describe(finding.error)}`);
  console.error(JSON.stringify(finding.input));
  process.exitCode = 1;
}

function run<I>(
  name: string,
  inputs: Inputs<I>,
  check: (input: I) => void,
  forMs: number,
): { count: number; finding: Finding | null } {
  const endMs = Date.now() + forMs;
  let progressMs = Date.now() + PROGRESS_MS;
  let count = 0;
  for (let nowMs = Date.now(); nowMs < endMs; nowMs = Date.now(), count++) {
    if (nowMs >= progressMs) {
      console.log(`${name}: ${count} inputs, ${Math.ceil((endMs - nowMs) / 1000)} s to go`);
      progressMs += PROGRESS_MS;
    }
    const input = inputs.next();
    const error = failureOf(input, check);
    if (error !== null) return { count, finding: { error, input, count } };
  }
  return { count, finding: null };
}

function failureOf<I>(input: I, check: (input: I) => void): unknown {
  const before = process.cpuUsage();
  try {
    check(input);
  } catch (error) {
    return error;
  }
  const spentMs = process.cpuUsage(before).user / 1000;
  return spentMs > SLOW_MS ? new Error(`took ${Math.round(spentMs)} ms of CPU`) : null;
}

function describe(error: unknown): string {
  return error instanceof Error ? String(error.stack) : String(error);
}
