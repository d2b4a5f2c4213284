import type { Ora } from 'ora';
import type { Context } from '../context.ts';
import { painter } from './colour.ts';

/** What is done sooner needs no word; and what draws the spinner is not even loaded then. */
const PATIENCE_MS = 2_000;

/** Says what is waited for while it lasts, on a terminal, and leaves nothing behind. Before `afterMs` nothing is said. */
export async function waiting<R>(
  context: Context,
  text: string,
  work: () => Promise<R>,
  afterMs = PATIENCE_MS,
): Promise<R> {
  let spinner: Promise<Ora | null> | null = null;
  const timer = setTimeout(() => {
    spinner = spin(context, text);
  }, afterMs);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    // It may be loading still, and would start when all is over.
    (await (spinner as Promise<Ora | null> | null))?.stop();
  }
}

/** One step of several: the same, and then a line on stderr that says whether it was done. */
export async function phase<R>(context: Context, text: string, work: () => Promise<R>): Promise<R> {
  const paint = painter(context.stderr, context);
  let isDone = false;
  try {
    const result = await waiting(context, text, work, 0);
    isDone = true;
    return result;
  } finally {
    context.stderr.write(`${isDone ? paint('green', '√') : paint('red', '×')} ${text}\n`);
  }
}

/**
 * Not where `NO_COLOR` is set: what asks for plain text does not want lines that rewrite themselves. Nor where `CI` is:
 * such terminals are logs. The environment is the command's own, so the library is not asked to look at the process's:
 * where it finds `CI` or a dumb terminal there, it writes a line that stays.
 */
async function spin({ stderr, env }: Context, text: string): Promise<Ora | null> {
  if (stderr.terminal === null || env['NO_COLOR'] || env['TERM'] === 'dumb' || env['CI'] !== undefined) return null;
  const { default: ora } = await import('ora');
  return ora({ text, stream: stderr.terminal, discardStdin: false, isEnabled: true }).start();
}
