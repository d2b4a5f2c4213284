import { quote } from '../../crds/scalars/scalar.ts';
import type { Context } from '../context.ts';
import { painter } from '../output/colour.ts';
import type { Plan } from './plan.ts';

/** Linkerd's: warnings, then a line per object, between empty lines. On stderr, so that the manifest can be piped on. */
export function report(context: Context, plans: readonly Plan[]): void {
  const paint = painter(context.stderr, context);
  const warnings = plans.flatMap(({ kind, name, warnings }) =>
    warnings.map((warning) => `${paint('yellow', '‼')} ${word(kind)}/${word(name)} ${warning}`),
  );
  if (plans.length === 0) warnings.push(`${paint('yellow', '‼')} there is no object in the input`);
  const lines = plans.map(({ kind, name, outcome, reasons }) => {
    const what = kind === '' ? 'document' : `${word(kind)} ${quote(name)}`;
    return `${what} ${outcome}${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`;
  });
  const paragraphs = [warnings, lines].filter((paragraph) => paragraph.length > 0).map((each) => each.join('\n'));
  context.stderr.write(`\n${paragraphs.join('\n\n')}\n\n`);
}

/** As it is where it is a name; a manifest may hold anything, and a terminal obeys some of it. */
function word(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(text) ? text : quote(text);
}
