import { printLine } from './verbs/print-line.ts';
import type { Verb } from './verbs/verb.ts';

/**
 * Each verb loads what it needs, and in the image it is a bundle of its own: the process that stays, `run`, does not even pay for what it has in common
 * with the others (pieces that several bundles share would have to be files of their own, and every file costs memory; hack/adr/0006-runtime-flags.md).
 */
const VERBS: Readonly<Record<string, () => Promise<{ verb: Verb }>>> = {
  run: () => import('./verbs/run.ts'),
  init: () => import('./verbs/init.ts'),
  await: () => import('./verbs/await.ts'),
};

/** An error with a code is told apart by its fields: its class is in the bundle of the verb. */
function explain(error: unknown): object {
  if (!(error instanceof Error)) return { error: String(error) };
  if ('code' in error && 'next' in error) return { error: error.message, code: error.code, next: error.next };
  return { error: error.stack ?? error.message };
}

/** Returns the exit status. */
async function main(): Promise<number> {
  const [name = 'run', ...args] = process.argv.slice(2);
  try {
    const load = Object.hasOwn(VERBS, name) ? VERBS[name]! : () => import('./verbs/unknown.ts');
    const { verb } = await load();
    await verb({ name, args, environment: process.env });
    return 0;
  } catch (error) {
    printLine({ level: 'error', message: `${name} failed`, ...explain(error) });
    return 1;
  }
}

// Connections that nobody waits for any more must not keep the process.
process.exit(await main());
