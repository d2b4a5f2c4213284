import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { TapLine } from '../../crds/viz/tap.ts';
import { connect } from '../cluster/connect.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { harmless } from '../output/harmless.ts';
import type { ListingOptions } from '../output/options.ts';
import { resourceOf } from '../resources/arguments.ts';
import { declareFilters, type FilterOptions, parametersOf } from '../tap/filters.ts';
import { noteOf } from '../tap/note.ts';
import { openTap } from '../tap/open.ts';
import { TAPPED, tappedBy } from '../tap/target.ts';
import { TopScreen } from '../top/screen.ts';
import type { Call, Verb } from '../verb.ts';

interface Options extends FilterOptions, Pick<ListingOptions, 'allNamespaces'> {
  hideSources?: boolean;
  routes?: boolean;
}

/** Often enough for a terminal to look alive; in a pipe, a table that differs each second. */
const TERMINAL_MS = 250;
const PIPE_MS = 1_000;

export const top: Verb = {
  describe(command: Command) {
    command
      .description(
        'Shows which requests pass through the proxies of a workload, the most frequent first, until it is ended (^C).',
      )
      .argument('<resource...>', 'TYPE/NAME, TYPE NAME, TYPE for all of a kind, or ns/NAME')
      .option('--hide-sources', 'requests of whatever source are one')
      .option('--routes', 'by route, and not by method and path')
      .option('-A, --all-namespaces', 'of all namespaces')
      .option('-l, --selector <labels>', 'only pods with these labels: app=web,tier!=test');
    declareFilters(command).addHelpText('after', '\nExamples:\n  weft top deploy/web\n  weft top ns/shop --routes');
  },

  async run(call: Call): Promise<ExitCode> {
    const { context, command } = call;
    const { hideSources = false, routes = false, ...options } = command.opts<Options>();
    const argument = resourceOf(command.args, TAPPED);
    const cluster = await connect(call);
    const target = tappedBy(argument, options.allNamespaces === true ? null : cluster.namespace);
    const over = AbortSignal.any([context.interrupted(), context.stdout.unread]);
    const lines = openTap(cluster, target, parametersOf(options, false), over);
    return show(context, lines, new TopScreen(context, { hideSources, routes }), over);
  },
};

/** Draws while lines come; the last picture is of all that have come. */
async function show(
  { stdout, stderr }: Context,
  lines: AsyncIterable<TapLine>,
  screen: TopScreen,
  over: AbortSignal,
): Promise<ExitCode> {
  const everyMs = stdout.terminal === null ? PIPE_MS : TERMINAL_MS;
  const ended = new AbortController();
  const drawing = (async () => {
    while (!ended.signal.aborted) {
      screen.draw();
      await sleep(everyMs, undefined, { signal: ended.signal }).catch(() => {});
    }
  })();
  let listening = -1;
  try {
    for await (const line of lines) {
      if (line.type === 'event') screen.add(line.event);
      else if (stdout.terminal === null) stderr.write(harmless(noteOf(line)));
      else screen.note(noteOf(line));
      if (line.type === 'pods') listening = line.listening;
    }
  } finally {
    ended.abort();
    await drawing;
    screen.draw();
  }
  if (over.aborted) return EXIT.ok;
  if (listening === 0) return EXIT.findings;
  throw new CliError('WEFT_CLI_UNREACHABLE', 'the control plane has ended the tap');
}
