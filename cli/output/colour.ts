import type { Context, Output } from '../context.ts';

export type Colour = 'green' | 'yellow' | 'red' | 'bold';

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  bold: [1, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Colours text for one output: a terminal only, and not where `NO_COLOR` (no-color.org) has any value. */
export function painter(output: Output, { env }: Pick<Context, 'env'>): (colour: Colour, text: string) => string {
  const isWanted = output.terminal !== null && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return (colour, text) => {
    if (!isWanted) return text;
    const [on, off] = CODES[colour];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };
}
