import type { Context, Output } from '../context.ts';
import type { Globals } from '../globals.ts';
import { run } from '../run.ts';
import type { Call } from '../verb.ts';

/** What another call of the command prints, for the same cluster and as the same user: `argv` is the verb with its arguments. */
export async function captured(
  { context, globals, verbs }: Pick<Call, 'context' | 'globals' | 'verbs'>,
  argv: readonly string[],
): Promise<{ stdout: string; stderr: string }> {
  const [stdout, stderr] = [new Capture(context.stdout), new Capture(context.stderr)];
  const own: Context = { ...context, argv: [...argv, ...optionsOf(globals)], stdout, stderr };
  await run(own, verbs);
  return { stdout: stdout.text, stderr: stderr.text };
}

class Capture implements Output {
  readonly terminal = null;
  readonly unread: Output['unread'];
  text = '';

  constructor({ unread }: Output) {
    this.unread = unread;
  }

  write(text: string): void {
    this.text += text;
  }
}

function optionsOf({ kubeconfig, context, as, asGroup = [], requestTimeout }: Globals): string[] {
  const given = { '--kubeconfig': kubeconfig, '--context': context, '--as': as };
  return [
    ...Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
    ...asGroup.flatMap((group) => ['--as-group', group]),
    '--request-timeout',
    String(requestTimeout / 1000),
  ];
}
