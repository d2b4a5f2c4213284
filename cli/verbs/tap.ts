import type { Command } from 'commander';
import type { TapLine, TapShown } from '../../crds/viz/tap.ts';
import { connect } from '../cluster/connect.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { outputOption } from '../output/format.ts';
import { harmless } from '../output/harmless.ts';
import { declareListing, type ListingOptions } from '../output/options.ts';
import { resourceOf } from '../resources/arguments.ts';
import { declareFilters, type FilterOptions, parametersOf } from '../tap/filters.ts';
import { noteOf } from '../tap/note.ts';
import { openTap } from '../tap/open.ts';
import { printerOf } from '../tap/print.ts';
import { TAPPED, tappedBy } from '../tap/target.ts';
import type { Call, Verb } from '../verb.ts';

interface Options extends FilterOptions, Pick<ListingOptions, 'output' | 'allNamespaces'> {
  headers?: boolean;
}

export const tap: Verb = {
  describe(command: Command) {
    command
      .description(
        'Shows requests and connections as they pass through the proxies of a workload, until it is ended (^C). Each proxy tells of them itself; what is secret does not leave it.',
      )
      .argument('<resource...>', 'TYPE/NAME, TYPE NAME, TYPE for all of a kind, or ns/NAME')
      .option('--headers', 'header fields too, where they can be shown: with -o json and jsonpath they always are');
    declareFilters(command);
    declareListing(command, ['allNamespaces', 'selector'], outputOption(['table', 'wide', 'json', 'jsonpath=']));
    command.addHelpText('after', EXAMPLES);
  },

  async run(call: Call): Promise<ExitCode> {
    const { context, command } = call;
    const options = command.opts<Options>();
    const argument = resourceOf(command.args, TAPPED);
    const cluster = await connect(call);
    const target = tappedBy(argument, options.allNamespaces === true ? null : cluster.namespace);
    const isWhole = options.output.type === 'json' || options.output.type === 'jsonpath';
    const printer = printerOf(options.output, argument.kind, options.headers === true);
    const interrupted = AbortSignal.any([context.interrupted(), context.stdout.unread]);
    const lines = openTap(cluster, target, parametersOf(options, isWhole || options.headers === true), interrupted);
    return show(context, lines, printer, interrupted);
  },
};

const EXAMPLES = `
Examples:
  weft tap -n shop deploy/web
  weft tap -n shop deploy/web --to svc/books --method POST --path /add
  weft tap ns/shop -o json | jq 'select(.responseInitEvent.httpStatus >= 500)'`;

/** Until it is ended from here: that is no failure. From there it is one, unless nobody could be listened to, which is said. */
async function show(
  { stdout, stderr }: Context,
  lines: AsyncIterable<TapLine>,
  print: (event: TapShown) => string,
  interrupted: AbortSignal,
): Promise<ExitCode> {
  let listening = -1;
  for await (const line of lines) {
    if (line.type === 'event') stdout.write(print(line.event));
    else stderr.write(harmless(noteOf(line)));
    if (line.type === 'pods') listening = line.listening;
  }
  if (interrupted.aborted) return EXIT.ok;
  if (listening === 0) return EXIT.findings;
  throw new CliError('WEFT_CLI_UNREACHABLE', 'the control plane has ended the tap');
}
