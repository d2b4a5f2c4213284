import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import type { ExitCode } from '../exit.ts';
import { declareListing, type ListingOptions } from '../output/options.ts';
import { resourceOf, resourcesOf } from '../resources/arguments.ts';
import { NAMESPACE, POD, SERVICE, WORKLOAD_KINDS } from '../resources/kinds.ts';
import { listingOf } from '../routes/listing.ts';
import { routesOf } from '../routes/rows.ts';
import { listTraffic } from '../traffic/run.ts';
import type { Call, Verb } from '../verb.ts';

interface Options extends ListingOptions {
  to?: string;
  toNamespace?: string;
}

const CALLERS = [...WORKLOAD_KINDS, POD, NAMESPACE];

export const routes: Verb = {
  describe(command: Command) {
    command
      .description('Shows what the requests of the last minute came to, by the routes of the Service that was called.')
      .argument('<resource...>', 'svc/web; deploy/web with --to')
      .option('--to <service>', 'only what the resource has sent to this Service')
      .option('--to-namespace <name>', 'where that is; without it, the namespace of the resource');
    declareListing(command, ['timeWindow', 'watch']).addHelpText(
      'after',
      '\nExamples:\n  weft routes svc/web\n  weft routes deploy/web --to svc/api -o wide',
    );
  },

  async run(call: Call): Promise<ExitCode> {
    const options = call.command.opts<Options>();
    const isTo = options.to !== undefined;
    const wanted = resourcesOf(call.command.args, isTo ? CALLERS : [SERVICE, ...CALLERS]);
    const service = isTo ? resourceOf([options.to!], [SERVICE]).name : null;
    if (isTo && service === null) throw new CliError('WEFT_CLI_USAGE', '--to takes one Service, such as svc/api');
    return listTraffic(call, options, 'No traffic found.', async ({ cluster, traffic }) => {
      const to = service === null ? null : { name: service, namespace: options.toNamespace ?? cluster.namespace };
      const rows = await Promise.all(wanted.map((each) => routesOf({ cluster, traffic }, each, to)));
      return listingOf(rows.flat(), isTo);
    });
  },
};
