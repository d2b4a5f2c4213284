import type { Ora } from 'ora';
import type { Context } from '../context.ts';
import { painter } from './colour.ts';

/** Says what is waited for while it lasts, on a terminal, and leaves nothing behind. */
export async function waiting<R>(context: Context, text: string, work: () => Promise<R>): Promise<R> {
  const spinner = await spin(context, text);
  try {
    return await work();
  } finally {
    spinner?.stop();
  }
}

/** One step of several: the same, and then a line on stderr that says whether it was done. */
export async function phase<R>(context: Context, text: string, work: () => Promise<R>): Promise<R> {
  const paint = painter(context.stderr, context);
  let isDone = false;
  try {
    const result = await waiting(context, text, work);
    isDone = true;
    return result;
  } finally {
    context.stderr.write(`${isDone ? paint('green', '√') : paint('red', '×')} ${text}\n`);
  }
}

/** Not where `NO_COLOR` is set: what asks for plain text does not want lines that rewrite themselves. */
async function spin({ stderr, env }: Context, text: string): Promise<Ora | null> {
  if (stderr.terminal === null || env['NO_COLOR'] || env['TERM'] === 'dumb') return null;
  const { default: ora } = await import('ora');
  return ora({ text, stream: stderr.terminal, discardStdin: false }).start();
}
