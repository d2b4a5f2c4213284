import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../crds/scalars/duration.ts';
import { printable, quote } from '../../crds/scalars/scalar.ts';
import type { Category } from '../check/facts/check.ts';
import { observe } from '../check/gather.ts';
import { isSuccess, type JudgedCategory, judge } from '../check/judge.ts';
import { FORMATS, type Format, printed } from '../check/print.ts';
import { CATEGORIES, type Scope } from '../check/registry.ts';
import { connect } from '../cluster/connect.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { nearest } from '../nearest.ts';
import { painter } from '../output/colour.ts';
import { waiting } from '../output/progress.ts';
import type { Call, Verb } from '../verb.ts';

interface Options {
  explain?: string;
  pre?: true;
  proxy?: true;
  /** Milliseconds. */
  wait: number;
  trials: boolean;
  output: Format;
}

const DESCRIPTION = `Checks the cluster and the control plane; with --proxy what runs in the mesh too, with --pre whether it can be installed.
Nothing is written: webhooks are tried by dry runs. The status is 1 where something is wrong; warnings (‼) alone leave it 0.`;

const POLL_MS = 1_000;

export const check: Verb = {
  describe(command: Command) {
    command
      .description(DESCRIPTION)
      .addOption(new Option('--pre', 'whether the control plane can be installed').conflicts('proxy'))
      .option('--proxy', 'what runs in the mesh too: of all namespaces, or of the one given')
      .addOption(
        new Option('--wait <duration>', 'tries again until nothing is wrong, for at most so long')
          .argParser(durationOf)
          .default(0, '0s'),
      )
      .option('--no-trials', 'leaves out what is tried by dry runs: then rights to read are enough')
      .option('--explain <code>', 'prints what a code means and what to do; asks no cluster')
      .addOption(new Option('-o, --output <format>', 'format').choices(FORMATS).default('table'));
  },

  async run(call: Call): Promise<ExitCode> {
    const { explain, pre, proxy, wait, trials, output } = call.command.opts<Options>();
    if (explain !== undefined) return explained(call, explain);
    const judged = await judgeUntil(call, categoriesOf(pre ? 'pre' : proxy ? 'proxy' : 'core', trials), wait);
    const { stdout } = call.context;
    stdout.write(printed(judged, output, painter(stdout, call.context)));
    return isSuccess(judged) ? EXIT.ok : EXIT.findings;
  },
};

/** @throws CliError WEFT_CLI_USAGE */
async function explained({ context }: Call, code: string): Promise<ExitCode> {
  const { PAGES } = await import('../check/pages.ts');
  const page = Object.hasOwn(PAGES, code) ? PAGES[code] : undefined;
  if (page === undefined) {
    const guess = nearest(code, Object.keys(PAGES));
    const meant = guess === null ? '' : `; was ${guess} meant?`;
    throw new CliError('WEFT_CLI_USAGE', `there is no code ${quote(code)}${meant}`);
  }
  context.stdout.write(page);
  return EXIT.ok;
}

const TRIALS: readonly string[] = ['injection', 'validation'];

function categoriesOf(scope: Scope, withTrials: boolean): readonly Category[] {
  if (withTrials) return CATEGORIES[scope];
  return CATEGORIES[scope].map((category) => ({
    ...category,
    checks: category.checks.filter(({ needs }) => !needs.some((name) => TRIALS.includes(name))),
  }));
}

/** The first result that is good, or the last one. An API server that cannot be reached is waited for too. */
async function judgeUntil(
  call: Call,
  categories: readonly Category[],
  limitMs: number,
): Promise<readonly JudgedCategory[]> {
  const { clock } = call.context;
  const cluster = await connect(call);
  const once = async () => judge(categories, await observe(cluster, clock, categories, call.globals.namespace ?? null));
  const deadlineMs = clock.nowMs() + limitMs;
  for (let text = 'looking at the cluster'; ; ) {
    let next: string;
    try {
      const judged = await waiting(call.context, text, once);
      if (isSuccess(judged) || clock.nowMs() >= deadlineMs) return judged;
      next = waitingText(judged);
    } catch (error) {
      if (clock.nowMs() >= deadlineMs) throw error;
      next = 'waiting for the API server';
    }
    if (next !== text) tell(call, next);
    text = next;
    await waiting(call.context, text, () => sleep(POLL_MS));
  }
}

/** Where there is no terminal for a spinner, a line for each thing that is waited for. */
function tell({ context: { stderr } }: Call, text: string): void {
  if (stderr.terminal === null) stderr.write(`${text}\n`);
}

/** What is waited for: the first thing that is wrong. */
function waitingText(judged: readonly JudgedCategory[]): string {
  const wrong = judged.flatMap(({ verdicts }) => verdicts).find(({ result }) => result === 'error');
  const [finding] = wrong?.findings ?? [];
  return finding === undefined ? 'waiting' : printable(`waiting: ${finding.object}: ${finding.reason}`);
}

function durationOf(text: string): number {
  const duration = parseDuration(text);
  if (duration.ok && duration.value >= 0) return duration.value;
  throw new InvalidArgumentError('It must be a duration such as 30s or 5m.');
}
