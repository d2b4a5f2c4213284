import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';

/** How often what is watched is asked for again. */
const EVERY_MS = 1000;

const HOME = '\u001b[H';
const ERASE_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';
const ERASE_ALL = '\u001b[2J';

/**
 * Prints what `ask` finds, and again each second as long as somebody reads: on a terminal in the same place, elsewhere one after the other and only what differs
 * from what was printed before. Without `watch`, once.
 */
export async function printWatched(context: Context, watch: boolean, ask: () => Promise<string>): Promise<void> {
  const { stdout } = context;
  if (!watch) {
    stdout.write(await ask());
    return;
  }
  let before: string | null = null;
  while (!stdout.unread.aborted) {
    const text = await ask();
    if (stdout.terminal !== null) stdout.write(frameOf(text, stdout.terminal, before === null));
    else if (text !== before) stdout.write(before === null || before === '' ? text : `\n${text}`);
    before = text;
    await sleep(EVERY_MS, undefined, { signal: stdout.unread }).catch(() => {});
  }
}

/** The text over what is on the screen, without a moment in which nothing is there. What does not fit is cut: a line that wraps would move all below it. */
export function frameOf(text: string, { columns, rows }: { columns: number; rows: number }, isFirst: boolean): string {
  const lines = text.split('\n').slice(0, Math.max(1, rows - 1));
  return `${isFirst ? ERASE_ALL : ''}${HOME}${lines.map((line) => cut(line, columns) + ERASE_LINE).join('\n')}${ERASE_BELOW}`;
}

/** Colours take no place. */
function cut(line: string, columns: number): string {
  let width = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a colour is made of
  return line.replace(/\u001b\[\d+m|./gu, (part) => (part.startsWith('\u001b') || ++width <= columns ? part : ''));
}
