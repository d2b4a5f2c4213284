import type { Context } from '../../cli/context.ts';
import { VERBS } from '../../cli/registry.ts';
import { run } from '../../cli/run.ts';
import type { VerbRow } from '../../cli/verb.ts';

export interface CliResult {
  status: number;
  stdout: string;
  stderr: string;
}

interface CliWorld {
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string;
  verbs?: readonly VerbRow[];
}

/** The command without a process: no terminal, and no kubeconfig but what `env` or an option names. */
export async function runCli(argv: readonly string[], world: CliWorld = {}): Promise<CliResult> {
  const written = { stdout: '', stderr: '' };
  const outputTo = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
    terminal: null,
  });
  const context: Context = {
    name: 'weft',
    argv,
    env: { HOME: '/nonexistent', ...world.env },
    cwd: world.cwd ?? '/nonexistent',
    stdin: (async function* () {
      yield world.stdin ?? '';
    })(),
    stdout: outputTo('stdout'),
    stderr: outputTo('stderr'),
    clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
  };
  const status = await run(context, world.verbs ?? VERBS);
  return { status, ...written };
}
