import type { Command } from 'commander';
import type { ExitCode } from '../exit.ts';
import { declareListing, type ListingOptions } from '../output/options.ts';
import { resourcesOf } from '../resources/arguments.ts';
import { outboundListing } from '../sides/outbound.ts';
import { SIDE_KINDS } from '../sides/subject.ts';
import { listTraffic } from '../traffic/run.ts';
import type { Call, Verb } from '../verb.ts';

export const statOutbound: Verb = {
  describe(command: Command) {
    command
      .description('Shows what the requests that a workload has sent came to, by Service, route and backend.')
      .argument('<resource...>', `deploy/web, deploy; ${SIDE_KINDS.map(({ short: [name] }) => name).join(', ')}`);
    declareListing(command, ['timeWindow', 'watch']).addHelpText(
      'after',
      '\nExample:\n  weft stat-outbound deploy/web',
    );
  },

  async run(call: Call): Promise<ExitCode> {
    const wanted = resourcesOf(call.command.args, SIDE_KINDS);
    const options = call.command.opts<ListingOptions>();
    return listTraffic(call, options, 'No traffic found.', (asking) => outboundListing(asking, wanted));
  },
};
