import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TapLine, TapShown } from '../../crds/viz/tap.ts';
import { TAP_LIMITS } from '../../proxy-image/contract/tap/question.ts';
import { connect } from '../cluster/connect.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { outputOption } from '../output/format.ts';
import { harmless } from '../output/harmless.ts';
import { declareListing, type ListingOptions } from '../output/options.ts';
import { resourceOf } from '../resources/arguments.ts';
import { openTap } from '../tap/open.ts';
import { printerOf } from '../tap/print.ts';
import { TAPPED, tappedBy, toOf } from '../tap/target.ts';
import type { Call, Verb } from '../verb.ts';

interface Options extends Pick<ListingOptions, 'output' | 'allNamespaces' | 'selector'> {
  to?: string;
  toNamespace?: string;
  maxRps: number;
  scheme?: string;
  method?: string;
  authority?: string;
  path?: string;
  headers?: boolean;
}

export const tap: Verb = {
  describe(command: Command) {
    command
      .description(
        'Shows requests and connections as they pass through the proxies of a workload, until it is ended (^C). Each proxy tells of them itself; what is secret does not leave it.',
      )
      .argument('<resource...>', 'TYPE/NAME, TYPE NAME, TYPE for all of a kind, or ns/NAME')
      .option('--to <resource>', 'only calls to this resource: TYPE/NAME')
      .option('--to-namespace <namespace>', 'namespace of --to; alone, only calls to this namespace')
      .addOption(
        new Option('--max-rps <number>', 'requests a second that are shown at most')
          .argParser(rate)
          .default(TAP_LIMITS.usualRps),
      )
      .option('--scheme <scheme>', 'only requests with this scheme')
      .option('--method <method>', 'only requests with this method')
      .option('--authority <authority>', 'only requests to this authority (Host), with its port where it has one')
      .option('--path <prefix>', 'only requests whose path begins like this')
      .option('--headers', 'header fields too, where they can be shown: with -o json and jsonpath they always are');
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
    const lines = openTap(
      cluster,
      target,
      {
        to: options.to === undefined ? '' : toOf(options.to),
        toNamespace: options.toNamespace ?? '',
        scheme: options.scheme ?? '',
        method: (options.method ?? '').toUpperCase(),
        authority: options.authority ?? '',
        path: options.path ?? '',
        maxRps: options.maxRps,
        headers: isWhole || options.headers === true,
        labelSelector: options.selector ?? '',
        direction: '',
      },
      interrupted,
    );
    return show(context, lines, printer, interrupted);
  },
};

const EXAMPLES = `
Examples:
  weft tap -n shop deploy/web
  weft tap -n shop deploy/web --to svc/books --method POST --path /add
  weft tap ns/shop -o json | jq 'select(.responseInitEvent.httpStatus >= 500)'`;

function rate(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= TAP_LIMITS.mostRps) return number;
  // Linkerd's command takes 1.0 too.
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${TAP_LIMITS.mostRps}.`);
}

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

/** For stderr: what is not of the traffic. */
function noteOf(line: Exclude<TapLine, { type: 'event' }>): string {
  if (line.type === 'missed') return `… ${line.events} events are missing${line.pod === '' ? '' : ` of ${line.pod}`}\n`;
  if (line.type === 'pod') return line.state === 'listening' ? '' : `${line.namespace}/${line.pod}: ${line.reason}\n`;
  const left = line.leftOut.map(({ namespace, pod, reason }) => `${namespace}/${pod}: ${reason}\n`).join('');
  return line.listening === 0 ? `${left}no pod can be listened to\n` : left;
}
