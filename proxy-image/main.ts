import { writeSync } from 'node:fs';
import { readAwaitConfig, readInitConfig, readRunConfig } from './config.ts';
import { WeftError } from './contract/errors.ts';

/** Each verb loads what it needs: the process that stays, `run`, never pays for the others. */
const VERBS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  async run() {
    const config = readRunConfig(process.env);
    const { run } = await import('./run.ts');
    await run(config);
  },

  async init() {
    const options = readInitConfig(process.env);
    const { applyRedirect, realHost } = await import('./io/init/apply.ts');
    print({ level: 'info', message: 'redirection is in force', tables: applyRedirect(options, realHost).join(', ') });
  },

  async await(args) {
    const options = readAwaitConfig(args, process.env);
    const { awaitReady } = await import('./io/init/await.ts');
    await awaitReady(options);
  },
};

/** Lines before there is a logger, in its form. */
function print(fields: object): void {
  writeSync(1, `${JSON.stringify({ timestamp: new Date().toISOString(), ...fields })}\n`);
}

function explain(error: unknown): object {
  if (error instanceof WeftError) return { error: error.message, code: error.code, next: error.next };
  return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** Returns the exit status. */
async function main(): Promise<number> {
  const [name = 'run', ...args] = process.argv.slice(2);
  try {
    const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
    if (verb === undefined) throw new WeftError('WEFT_USAGE', `no verb ${JSON.stringify(name.slice(0, 40))}`);
    await verb(args);
    return 0;
  } catch (error) {
    print({ level: 'error', message: `${name} failed`, ...explain(error) });
    return 1;
  }
}

// Connections that nobody waits for any more must not keep the process.
process.exit(await main());
