import type { Command } from 'commander';
import type { ProxyItem } from '../../crds/viz/proxy-list.ts';
import { CONTROL_PLANE_LABEL, CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import { type Cluster, list } from '../cluster/cluster.ts';
import { connect } from '../cluster/connect.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { type Listing, printed, table } from '../output/listing.ts';
import { declareListing, type ListingOptions } from '../output/options.ts';
import { waiting } from '../output/progress.ts';
import type { Column } from '../output/table.ts';
import { printWatched } from '../output/watch.ts';
import { askProxies, askProxy } from '../proxies/ask.ts';
import { duration, isSame, textOfProxy } from '../proxies/one.ts';
import { ATTENTION, type ProxyRow, proxyRows } from '../proxies/rows.ts';
import { collectionOf, POD } from '../resources/kinds.ts';
import type { Call, Verb } from '../verb.ts';

type Options = Pick<ListingOptions, 'output' | 'watch' | 'allNamespaces' | 'selector'>;

export const proxyStatus: Verb = {
  describe(command: Command) {
    command
      .description(
        'Prints how proxies stand with the control plane: connected or not, and whether each has the newest configuration. With the name of a pod, what its proxy has beside what it should have.',
      )
      .argument('[pod]', 'the name of a pod')
      .addHelpText('after', EXAMPLES);
    declareListing(command, ['watch', 'allNamespaces', 'selector']);
  },

  async run(call: Call): Promise<ExitCode> {
    const { context, command } = call;
    const options = command.opts<Options>();
    const [pod] = command.args;
    const cluster = await connect(call);
    let status: ExitCode = EXIT.ok;
    await printWatched(context, options.watch === true, async () => {
      const found = await waiting(context, 'Asking the control plane about proxies', () =>
        pod === undefined ? all(call, cluster, options) : one(call, cluster, pod, options),
      );
      status = found.isGood ? EXIT.ok : EXIT.findings;
      return found.text;
    });
    return status;
  },
};

const EXAMPLES = `
Examples:
  weft proxy-status -A
  weft proxy-status -n shop web-6c7f9-x2x4k`;

interface Found {
  text: string;
  isGood: boolean;
}

async function all(call: Call, cluster: Cluster, options: Options): Promise<Found> {
  const { context } = call;
  const { output, allNamespaces = false, selector } = options;
  const namespace = allNamespaces ? null : cluster.namespace;
  const labels = `${CONTROL_PLANE_LABEL}=${CONTROL_PLANE_NAMESPACE}${selector === undefined ? '' : `,${selector}`}`;
  const [pods, { items, missing }] = await Promise.all([
    list<unknown>(cluster, collectionOf(POD, namespace), { labelSelector: labels }),
    askProxies(cluster, namespace),
  ]);
  for (const replica of missing) context.stderr.write(`the proxies of replica ${replica} are missing\n`);
  const rows = proxyRows(pods, items);
  const text = await printed(context, listingOf(rows, allNamespaces), output, 'No proxies found.');
  return { text, isGood: !rows.some(({ state }) => ATTENTION.includes(state)) };
}

async function one(call: Call, cluster: Cluster, pod: string, { output }: Options): Promise<Found> {
  const proxy = await askProxy(cluster, cluster.namespace, pod);
  if (proxy === null) {
    throw new CliError(
      'WEFT_CLI_RESOURCE',
      `no proxy of a pod ${pod} in namespace ${cluster.namespace} is connected to the control plane`,
    );
  }
  const text =
    output.type === 'table' || output.type === 'wide'
      ? textOfProxy(proxy)
      : await printed(call.context, { tables: [], value: proxy, names: [`pod/${pod}`] }, output, '');
  return { text, isGood: proxy.configuration.every(isSame) };
}

const NONE = '-';

function ofProxy(text: (proxy: ProxyItem) => string): (row: ProxyRow) => string {
  return ({ proxy }) => (proxy === null ? NONE : text(proxy));
}

const NAMESPACE: Column<ProxyRow> = { header: 'NAMESPACE', text: ({ namespace }) => namespace };

const COLUMNS: readonly Column<ProxyRow>[] = [
  { header: 'NAME', text: ({ name }) => name },
  {
    header: 'STATUS',
    text: ({ state }) => state,
    colour: ({ state }) => (ATTENTION.includes(state) ? 'red' : state === 'behind' ? 'yellow' : null),
  },
  { header: 'VERSION', text: ofProxy(({ version }) => version) },
  { header: 'CONTRACT', align: 'right', text: ofProxy(({ revision }) => String(revision)) },
  {
    header: 'CURRENT',
    align: 'right',
    text: ofProxy(({ resources, behind }) => `${resources - behind.length}/${resources}`),
  },
  {
    header: 'LAST_ACK',
    align: 'right',
    text: ofProxy(({ acknowledgedSeconds: seconds }) => (seconds === null ? NONE : duration(seconds))),
  },
  { header: 'CONNECTED', align: 'right', text: ofProxy(({ connectedSeconds }) => duration(connectedSeconds)) },
  { header: 'REPLICA', wide: true, text: ofProxy(({ replica }) => replica) },
  { header: 'BEHIND', wide: true, text: ofProxy(({ behind }) => behind.map(({ key }) => key).join(',') || NONE) },
];

const GAP = 2;

function listingOf(rows: readonly ProxyRow[], allNamespaces: boolean): Listing {
  const columns = allNamespaces ? [NAMESPACE, ...COLUMNS] : COLUMNS;
  return {
    tables: rows.length === 0 ? [] : [table(columns, rows, GAP)],
    value: rows,
    names: rows.map(({ name }) => `pod/${name}`),
  };
}
