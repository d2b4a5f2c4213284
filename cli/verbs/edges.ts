import type { Command } from 'commander';
import { edgesOf, listingOf } from '../edges/edges.ts';
import { CliError } from '../errors.ts';
import type { ExitCode } from '../exit.ts';
import { declareListing, type ListingOptions } from '../output/options.ts';
import { resourcesOf } from '../resources/arguments.ts';
import { NAMESPACE, POD, WORKLOAD_KINDS } from '../resources/kinds.ts';
import { listTraffic } from '../traffic/run.ts';
import type { Call, Verb } from '../verb.ts';

const KINDS = [...WORKLOAD_KINDS, POD, NAMESPACE];

export const edges: Verb = {
  describe(command: Command) {
    command
      .description('Shows who is connected to whom, and whether by mutual TLS.')
      .argument('<type>', `between what: ${KINDS.map(({ short: [name] }) => name).join(', ')}`);
    declareListing(command, ['allNamespaces', 'timeWindow', 'watch']).addHelpText(
      'after',
      '\nExamples:\n  weft edges deploy -n shop\n  weft edges po -A -o wide',
    );
  },

  async run(call: Call): Promise<ExitCode> {
    const options = call.command.opts<ListingOptions>();
    const wanted = resourcesOf(call.command.args, KINDS);
    if (wanted.some(({ name }) => name !== null)) {
      throw new CliError('WEFT_CLI_USAGE', 'edges takes a type, such as deploy, and no name');
    }
    return listTraffic(call, options, 'No edges found.', async ({ traffic, namespace }) => {
      const found = await Promise.all(wanted.map(({ kind }) => edgesOf(traffic, kind, namespace)));
      return listingOf(found.flat());
    });
  },
};
