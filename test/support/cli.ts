import type { WriteStream } from 'node:tty';
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
  /** Of stdout; without it, a pipe. */
  terminal?: { columns: number; rows: number };
  /** Aborted: nobody reads stdout any more. */
  unread?: AbortSignal;
  /** Aborted: ^C. */
  interrupted?: AbortSignal;
  /** Learns of all that is written to stdout. */
  wrote?: (text: string) => void;
}

/** The command without a process: no terminal unless one is given, and no kubeconfig but what `env` or an option names. */
export async function runCli(argv: readonly string[], world: CliWorld = {}): Promise<CliResult> {
  const written = { stdout: '', stderr: '' };
  const outputTo = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
      if (name === 'stdout') world.wrote?.(text);
    },
    terminal: name === 'stdout' && world.terminal !== undefined ? (world.terminal as WriteStream) : null,
    unread: (name === 'stdout' ? world.unread : undefined) ?? new AbortController().signal,
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
    interrupted: () => world.interrupted ?? new AbortController().signal,
  };
  const status = await run(context, world.verbs ?? VERBS);
  return { status, ...written };
}
