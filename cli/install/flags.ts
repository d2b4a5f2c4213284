import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { connect } from '../cluster/connect.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { phase } from '../output/progress.ts';
import type { Call } from '../verb.ts';
import { Api } from './api.ts';
import type { Format } from './print.ts';
import type { Steps } from './steps.ts';
import { merged, type Values, valuesOfFile, valuesOfSet } from './values.ts';

/** Options of what is installed, and of how. */
export interface InstallFlags {
  crds?: true;
  skipCrds?: true;
  ha?: true;
  set: string[];
  values: string[];
  output: Format;
  apply?: true;
  diff?: true;
  dryRun?: true;
  force?: true;
  upgradeCrds?: true;
  migrateStored?: true;
  wait: boolean;
}

export function declareInstallFlags(command: Command): void {
  command
    .addOption(new Option('--crds', 'only the custom resource definitions').conflicts('skipCrds'))
    .option('--skip-crds', 'everything but the custom resource definitions')
    .option('--ha', 'three replicas of the operator, spread over nodes and zones')
    .addOption(severalTimes('--set <name=value>', 'sets a value; several are separated by commas'))
    .addOption(severalTimes('-f, --values <file>', 'reads values from a YAML file; --set goes over it'))
    .addOption(outputOption())
    .addOption(new Option('--apply', 'applies the objects').conflicts(['diff', 'dryRun', 'output']))
    .addOption(
      new Option(
        '--diff',
        'what --apply would change, field by field; the status is 1 where it is something',
      ).conflicts(['dryRun', 'output']),
    )
    .addOption(new Option('--dry-run', 'what --apply would do, object by object').conflicts('output'))
    .option('--force', 'with --apply: takes fields that somebody else has set')
    .option('--upgrade-crds', 'with --apply: replaces definitions that somebody else (Linkerd) has installed')
    .option(
      '--migrate-stored',
      'with --apply: writes custom resources anew that may be stored in an older version of their definition',
    )
    .option('--no-wait', 'with --apply: does not wait until the operator is ready');
}

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'of what is printed').choices(['yaml', 'json']).default('yaml');
}

function severalTimes(flags: string, description: string): Option {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  return new Option(flags, description).argParser(collect).default([], 'nothing');
}

/**
 * Later files go over earlier ones, `--set` over files, `--ha` over all.
 * @throws CliError WEFT_INSTALL_VALUE
 */
export async function valuesOf({ values, set, ha }: InstallFlags, { cwd }: Pick<Context, 'cwd'>): Promise<Values> {
  const files = await Promise.all(values.map(async (file) => valuesOfFile(await textOf(resolve(cwd, file)), file)));
  return merged(...files, ...set.map(valuesOfSet), ha ? { ha: 'true' } : {});
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError('WEFT_INSTALL_VALUE', error instanceof Error ? error.message : String(error), error);
  }
}

/** @throws CliError WEFT_CLI_KUBECONFIG */
export async function stepsOf({ context, globals }: Call): Promise<Steps> {
  return {
    api: new Api(await connect({ context, globals })),
    clock: context.clock,
    sleep: (ms) => sleep(ms),
    phase: (text, work) => phase(context, text, work),
    note: (line) => context.stderr.write(`  ${line}\n`),
  };
}
