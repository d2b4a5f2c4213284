import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import type { ExitCode } from '../exit.ts';
import { outputOption } from '../output/format.ts';
import { declareListing, type ListingOptions } from '../output/options.ts';
import { resourceOf, resourcesOf } from '../resources/arguments.ts';
import {
  AUTHORIZATION_POLICY,
  DAEMON_SET,
  DEPLOYMENT,
  JOB,
  NAMESPACE,
  POD,
  POLICY_HTTP_ROUTE,
  REPLICATION_CONTROLLER,
  SERVER,
  SERVER_AUTHORIZATION,
  SERVICE,
  STATEFUL_SET,
  TRAFFIC_SPLIT,
  WORKLOAD_KINDS,
} from '../resources/kinds.ts';
import { listingOf } from '../stat/listing.ts';
import { StatReader } from '../stat/rows.ts';
import { otherOf } from '../stat/source.ts';
import type { Other } from '../traffic/place.ts';
import { listTraffic } from '../traffic/run.ts';
import type { Call, Verb } from '../verb.ts';

interface Options extends ListingOptions {
  to?: string;
  toNamespace?: string;
  from?: string;
  fromNamespace?: string;
  unmeshed?: boolean;
}

const HAVE_PODS = [...WORKLOAD_KINDS, NAMESPACE, POD];
const KINDS = [
  ...HAVE_PODS,
  SERVICE,
  TRAFFIC_SPLIT,
  SERVER,
  SERVER_AUTHORIZATION,
  AUTHORIZATION_POLICY,
  POLICY_HTTP_ROUTE,
];
const ALL = [DAEMON_SET, DEPLOYMENT, JOB, REPLICATION_CONTROLLER, STATEFUL_SET, POD, SERVICE];
/** Linkerd's words. */
const NONE = 'No traffic found.';

export const stat: Verb = {
  describe(command: Command) {
    command
      .description('Shows what the requests of the last minute came to: success, rate, latency.')
      .argument('<resources...>', 'deploy, deploy/web, deploy web api, po, ns, svc, srv, all ...')
      .option('--to <resource>', 'of what they sent there')
      .option('--to-namespace <name>', 'where that is; without it, the namespace of the resources')
      .option('--from <resource>', 'of what came from there')
      .option('--from-namespace <name>', 'where that is')
      .option('--unmeshed', 'those too of which no pod has a proxy');
    declareListing(command, ['allNamespaces', 'selector', 'timeWindow', 'watch'], outputOption());
    command.addHelpText(
      'after',
      '\nExamples:\n  weft stat deploy -A\n  weft stat deploy --from deploy/web\n  weft stat svc -o wide -w',
    );
  },

  async run(call: Call): Promise<ExitCode> {
    const options = call.command.opts<Options>();
    const wanted = resourcesOf(call.command.args, KINDS, ALL);
    const { to, from } = endsOf(options);
    return listTraffic(call, options, NONE, async ({ cluster, traffic, namespace }) => {
      const reader = new StatReader(cluster, traffic, {
        namespace,
        selector: options.selector ?? '',
        unmeshed: options.unmeshed ?? false,
        to: to?.(options.toNamespace ?? cluster.namespace) ?? null,
        from: from?.(options.fromNamespace ?? cluster.namespace) ?? null,
      });
      const rows = await Promise.all(wanted.map((argument) => reader.rows(argument)));
      return listingOf(rows.flat(), options.allNamespaces ?? false);
    });
  },
};

type End = ((namespace: string) => Other) | null;

function endsOf({ to, from }: Options): { to: End; from: End } {
  if (to !== undefined && from !== undefined) {
    throw new CliError('WEFT_CLI_USAGE', '--to and --from are two questions: ask one of them');
  }
  return { to: endOf(to, '--to'), from: endOf(from, '--from') };
}

function endOf(text: string | undefined, option: string): End {
  if (text === undefined) return null;
  const argument = resourceOf([text], [...HAVE_PODS, SERVICE]);
  return (namespace) => otherOf(argument, namespace, option);
}
