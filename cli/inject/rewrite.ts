import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { type Part, partsOf } from '../manifests/documents.ts';
import { type Input, joinTexts, readManifests } from '../manifests/input.ts';
import { applyEdits } from '../manifests/text-edit.ts';
import type { Call } from '../verb.ts';
import { isSameObject } from './expected.ts';
import type { Plan, Rewritten } from './plan.ts';
import { report } from './report.ts';

/**
 * Prints the inputs that the arguments name, changed, and reports what was done. Nothing is printed before all is read.
 * @throws CliError WEFT_CLI_INPUT, WEFT_CLI_MANIFEST
 */
export async function rewrite(call: Call, change: (input: Input) => Rewritten): Promise<ExitCode> {
  const inputs: Input[] = [];
  for (const source of call.command.args) inputs.push(...(await readManifests(call, source)));
  const rewritten = inputs.map(change);
  call.context.stdout.write(joinTexts(rewritten.map(({ text }) => text)));
  report(
    call.context,
    rewritten.flatMap(({ plans }) => plans),
  );
  return EXIT.ok;
}

/** What becomes of an object that stands in a text. */
type Planner = (part: Part, text: string) => Plan;

/** @throws CliError WEFT_CLI_MANIFEST, also where the text could not be changed without changing something else */
export function rewriteText({ origin, text }: Input, plan: Planner): Rewritten {
  const plans = partsOf(text, origin).map((part) => plan(part, text));
  const edits = plans.flatMap((each) => each.edits);
  if (edits.length === 0) return { text, plans };
  const result = applyEdits(text, edits);
  if (!isAsPlanned(result, plans)) {
    const detail = `${origin} is written in a way in which annotations cannot be changed without changing something else`;
    throw new CliError('WEFT_CLI_MANIFEST', detail);
  }
  return { text: result, plans };
}

/** Edits are of text, and YAML has ways to write that nobody thinks of: what was written is read again. */
function isAsPlanned(text: string, plans: readonly Plan[]): boolean {
  try {
    const parts = partsOf(text, '');
    const isPlanned = (part: Part, index: number) =>
      isSameObject(part === 'no kind' ? undefined : part.value, plans[index]!.after);
    return parts.length === plans.length && parts.every(isPlanned);
  } catch (error) {
    if (error instanceof CliError) return false;
    throw error;
  }
}
