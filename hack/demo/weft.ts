import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from './kubectl.ts';
import { type Finished, shell } from './shell.ts';

/** The command from the sources, on the cluster that kubectl is on. */
export function weft(args: readonly string[]): Promise<Finished> {
  return shell(process.execPath, argvOf(args));
}

function argvOf(args: readonly string[]): string[] {
  const context = process.env['CONTEXT'] ?? '';
  const where = context === '' ? [] : ['--context', context];
  return [join(ROOT, 'cli', 'main.ts'), ...where, ...args];
}

export interface Running {
  /** Lines of stdout so far, with the milliseconds after the start at which they came. */
  lines: { text: string; ms: number }[];
  /** Interrupts it as ^C does; resolves with its exit status. */
  interrupt(): Promise<number>;
}

/** Starts a verb that goes on until it is interrupted; it is ended after two minutes. */
export function startWeft(args: readonly string[]): Running {
  const startedMs = performance.now();
  const child = spawn(process.execPath, argvOf(args), { stdio: ['ignore', 'pipe', 'inherit'], timeout: 120_000 });
  const lines: Running['lines'] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push({ text, ms: performance.now() - startedMs });
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? -1));
  });
  // Whoever interrupts it hears of what went wrong.
  ended.catch(() => {});
  return {
    lines,
    interrupt() {
      child.kill('SIGINT');
      return ended;
    },
  };
}
