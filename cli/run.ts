import { Command, CommanderError } from 'commander';
import type { Context } from './context.ts';
import { CliError, shownOf } from './errors.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { declareGlobals, type Globals } from './globals.ts';
import type { VerbRow } from './verb.ts';

const SUMMARY = 'Weft, a service mesh for Kubernetes.';

/** One call of the command, from its arguments to its status. Nothing is thrown, whatever a verb does. */
export async function run(context: Context, verbs: readonly VerbRow[]): Promise<ExitCode> {
  try {
    return await dispatch(context, verbs);
  } catch (error) {
    const { code, message, next, exit } = shownOf(error);
    context.stderr.write(`${code}: ${message}\nnext: ${next}\n`);
    if (context.argv.includes('--verbose') && error instanceof Error) context.stderr.write(`${traceOf(error)}\n`);
    return exit;
  }
}

/** With what caused it, and what caused that. */
function traceOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${traceOf(error.cause)}` : own;
}

async function dispatch(context: Context, verbs: readonly VerbRow[]): Promise<ExitCode> {
  const program = programOf(context);
  const wanted = wantedOf(context.argv);
  let status: ExitCode = EXIT.ok;
  for (const row of verbs) {
    const command = program.command(row.name).summary(row.summary).description(row.summary).helpGroup(row.group);
    if (row.name !== wanted) continue;
    const verb = await row.load();
    verb.describe(command);
    command.action(async () => {
      status = await verb.run({ context, globals: program.opts<Globals>(), command, verbs });
    });
  }
  if (context.argv.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  try {
    await program.parseAsync(context.argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.ok; // the help that was asked for
    if (error.code === 'commander.help') throw new CliError('WEFT_CLI_USAGE', `there is no verb ${wanted}`);
    throw new CliError('WEFT_CLI_USAGE', error.message.replace(/^error: /, '').replaceAll('\n', ' '), error);
  }
  return status;
}

function programOf({ name, stdout }: Context): Command {
  return declareGlobals(new Command(name).description(SUMMARY))
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      // What is wrong is thrown as well, and shown by `run`.
      writeErr: () => {},
      getOutHelpWidth: () => stdout.terminal?.columns ?? 100,
      getOutHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true })
    .usage('[options] <verb> ...')
    .commandsGroup('Other:')
    .helpCommand('help [verb]', 'What a verb does, and its options');
}

/** The verb that the arguments name, or ask help for; `''` where they name none. */
function wantedOf(argv: readonly string[]): string {
  try {
    const { operands, unknown } = declareGlobals(
      new Command().exitOverride().configureOutput({ writeErr: () => {} }),
    ).parseOptions([...argv]);
    const [first = '', second = ''] = [...operands, ...unknown.filter((text) => !text.startsWith('-'))];
    return first === 'help' ? second : first;
  } catch {
    return ''; // an option without its value: parsing in earnest says so
  }
}
