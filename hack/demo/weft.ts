import { join } from 'node:path';
import { ROOT } from './kubectl.ts';
import { type Finished, shell } from './shell.ts';

/** The command from the sources, on the cluster that kubectl is on. */
export function weft(args: readonly string[]): Promise<Finished> {
  const context = process.env['CONTEXT'] ?? '';
  const where = context === '' ? [] : ['--context', context];
  return shell(process.execPath, [join(ROOT, 'cli', 'main.ts'), ...where, ...args]);
}
