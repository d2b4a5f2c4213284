import type { Command } from 'commander';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { POLICY_GROUP } from '../../crds/types/api-groups.ts';
import { BY, type Dimension } from '../../crds/viz/dimensions.ts';
import { appliedTo } from '../authz/applied.ts';
import { type AuthzRow, authorizationText, joined, refusedRate, serverText } from '../authz/rows.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { connect } from '../cluster/connect.ts';
import { readState } from '../cluster/state.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { type Listing, printed, table } from '../output/listing.ts';
import { declareListing, type ListingOptions } from '../output/options.ts';
import { waiting } from '../output/progress.ts';
import type { Column } from '../output/table.ts';
import { printWatched } from '../output/watch.ts';
import { podsOf } from '../pods/selected.ts';
import { type ResourceArgument, resourceOf } from '../resources/arguments.ts';
import { CRON_JOB, NAMESPACE, POD, WORKLOAD_KINDS } from '../resources/kinds.ts';
import type { Item } from '../traffic/answer.ts';
import { LATENCIES, latencyFields, NONE, RPS, rps, rpsOf, SUCCESS, successOf } from '../traffic/figures.ts';
import { Traffic } from '../traffic/traffic.ts';
import type { Call, Verb } from '../verb.ts';

type Options = Pick<ListingOptions, 'output' | 'watch' | 'timeWindow'>;

/** Pods of a CronJob are those of its Jobs, whose names nobody knows. */
const KINDS = [...WORKLOAD_KINDS.filter((kind) => kind !== CRON_JOB), POD, NAMESPACE];

export const authz: Verb = {
  describe(command: Command) {
    command
      .description(
        'Prints the authorizations that apply to a resource, by Server and route, with the requests that each has let in, and those that none has. What applies is worked out here from the objects of the cluster, as the operator does it.',
      )
      .argument('<resource...>', 'TYPE/NAME, or TYPE NAME: deploy/web, po/web-1, ns/shop …')
      .addHelpText('after', EXAMPLES);
    declareListing(command, ['watch', 'timeWindow']);
  },

  async run(call: Call): Promise<ExitCode> {
    const { context, command } = call;
    const { output, watch = false, timeWindow } = command.opts<Options>();
    const resource = resourceOf(command.args, KINDS);
    if (resource.name === null) throw new CliError('WEFT_CLI_USAGE', 'which one? TYPE/NAME is wanted');
    const cluster = await connect(call);
    const named: Named = { ...resource, name: resource.name };
    await printWatched(context, watch, async () => {
      const rows = await waiting(context, 'Reading policies and traffic', () =>
        rowsOf(call, cluster, named, timeWindow),
      );
      return printed(context, listingOf(rows), output, 'No authorizations found.');
    });
    return EXIT.ok;
  },
};

/** Connections are judged too, where no requests are seen. */
const DIMENSIONS: readonly Dimension[] = [...BY.authorization, 'counted'];

const EXAMPLES = `
Examples:
  weft authz -n shop deploy/web
  weft authz -n shop deploy/web -o wide       who is let in, and who has been refused`;

type Named = ResourceArgument & { name: string };

async function rowsOf(call: Call, cluster: Cluster, resource: Named, seconds: number): Promise<AuthzRow[]> {
  const namespace = resource.kind === NAMESPACE ? resource.name : cluster.namespace;
  const [state, raw] = await Promise.all([readState(cluster, [namespace]), podsOf(cluster, resource)]);
  const pods = raw.map(reducePod).filter(({ meshed, phase }) => meshed && phase === 'Running');
  const { items, refusals } = await trafficOf(call, cluster, resource, namespace, seconds);
  return joined(appliedTo(state, pods), items, refusals);
}

/** Without live numbers what applies can still be said; why there are none stands on stderr. */
async function trafficOf(
  { context }: Call,
  cluster: Cluster,
  resource: Named,
  namespace: string,
  seconds: number,
): Promise<{ items: readonly Item[]; refusals: readonly Item[] }> {
  const traffic = new Traffic(cluster, seconds);
  const where = { direction: 'inbound', ...reporterOf(resource) };
  const ask = (by: readonly Dimension[]) => traffic.ask({ namespace, by, where, owner: 'reporter' });
  try {
    const items = await ask(DIMENSIONS);
    const isRefused = items.some((item) => item.counts.denied > 0);
    const refusals = isRefused ? await ask([...DIMENSIONS, 'peerIdentity']) : [];
    for (const replica of await traffic.missing()) context.stderr.write(`the part of ${replica} is missing\n`);
    return { items, refusals };
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'WEFT_CLI_LIVE_NUMBERS') throw error;
    context.stderr.write(`no live numbers: ${error.message}\n`);
    return { items: [], refusals: [] };
  }
}

/** Whose numbers: of a workload, a pod, or all of the namespace. */
function reporterOf({ kind, name }: Named): Partial<Record<Dimension, string>> {
  if (kind === NAMESPACE) return {};
  return kind === POD ? { pod: name } : { kind: kind.kind, name };
}

const COLUMNS: readonly Column<AuthzRow>[] = [
  { header: 'ROUTE', text: ({ route }) => route.name },
  { header: 'SERVER', text: serverText },
  { header: 'AUTHORIZATION', text: authorizationText },
  { header: 'UNAUTHORIZED', align: 'right', text: (row) => rps(refusedRate(row)) },
  SUCCESS,
  RPS,
  ...LATENCIES,
  { header: 'PORTS', wide: true, text: ({ ports }) => ports.join(',') || NONE },
  { header: 'PODS', align: 'right', wide: true, text: ({ pods }) => String(pods) },
  { header: 'CLIENTS', wide: true, text: ({ clients }) => clients || NONE },
];

/** Linkerd's newer tables have two spaces between columns. */
const GAP = 2;

function listingOf(rows: readonly AuthzRow[]): Listing {
  const names = rows.flatMap(({ authorization }) => {
    if (authorization === null || authorization.kind === 'default') return [];
    return [`${authorization.kind.toLowerCase()}.${POLICY_GROUP}/${authorization.name}`];
  });
  return {
    tables: rows.length === 0 ? [] : [table(COLUMNS, rows, GAP)],
    value: rows.map(fieldsOf),
    names: [...new Set(names)],
  };
}

/** Linkerd's names of fields, and ours behind them. */
function fieldsOf(row: AuthzRow) {
  const { server, route, authorization, figures, clients, ports, pods } = row;
  return {
    route: route.name,
    route_kind: route.kind,
    server: server.name,
    server_kind: server.kind,
    authorization: authorization?.name ?? null,
    authorization_kind: authorization?.kind ?? null,
    unauthorized: refusedRate(row),
    success: successOf(figures),
    rps: rpsOf(figures),
    ...latencyFields(figures),
    ports,
    pods,
    clients,
  };
}
