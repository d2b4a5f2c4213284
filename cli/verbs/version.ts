import { type Command, Option } from 'commander';
import { parseImage, versionOf } from '../../crds/annotations/image.ts';
import {
  CONTROL_PLANE_LABEL,
  CONTROL_PLANE_NAMESPACE,
  CONTROL_PLANE_SERVICE,
} from '../../proxy-image/contract/names.ts';
import { COMMIT, VERSION } from '../../proxy-image/contract/version.ts';
import { type Cluster, find, list } from '../cluster/cluster.ts';
import { connect } from '../cluster/connect.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { waiting } from '../output/progress.ts';
import type { Call, Verb } from '../verb.ts';

interface Options {
  client?: boolean;
  short?: boolean;
  proxy?: boolean;
  output: 'text' | 'json';
}

/** What `-o json` prints. */
interface Versions {
  clientVersion: string;
  /** The commit that the command was built from; `unknown` where it runs from the sources. */
  clientCommit: string;
  /** Absent with `--client`. */
  server?: Server | null;
  /** Version of the proxies → running pods that have it; `--proxy`. */
  proxyVersions?: Record<string, number>;
}

interface Server {
  /** Tag of the operator's image, or its digest. */
  version: string;
  image: string;
}

const UNAVAILABLE = 'unavailable';
const OPERATOR = `/apis/apps/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/deployments/${CONTROL_PLANE_SERVICE}`;
/** Written by injection. */
const PROXY_VERSION = 'linkerd.io/proxy-version';

export const version: Verb = {
  describe(command: Command) {
    command
      .description('Prints the version of this command and that of the control plane in the cluster.')
      .option('--client', 'asks no cluster')
      .option('--short', 'prints the numbers alone')
      .option(
        '--proxy',
        'counts the pods of every version of the proxy too, of all namespaces or of the one given',
        false,
      )
      .addOption(new Option('-o, --output <format>', 'format').choices(['text', 'json']).default('text'));
  },

  async run(call: Call): Promise<ExitCode> {
    const options = call.command.opts<Options>();
    const client: Versions = { clientVersion: VERSION, clientCommit: COMMIT };
    let found = client;
    try {
      if (!options.client) {
        found = { ...client, server: null };
        found = await waiting(call.context, 'asking the cluster', () => ask(call, options, client));
      }
    } finally {
      // What is known is printed whatever the cluster says.
      call.context.stdout.write(
        options.output === 'json' ? `${JSON.stringify(found, null, 2)}\n` : textOf(found, options),
      );
    }
    return EXIT.ok;
  },
};

async function ask(call: Call, options: Options, client: Versions): Promise<Versions> {
  const cluster = await connect(call);
  const server = await serverOf(cluster);
  return options.proxy
    ? { ...client, server, proxyVersions: await proxiesOf(cluster, call.globals.namespace) }
    : { ...client, server };
}

interface Deployment {
  spec?: { template?: { spec?: { containers?: { name?: string; image?: string }[] } } };
}

/** @throws CliError WEFT_CLI_NOT_INSTALLED */
async function serverOf(cluster: Cluster): Promise<Server> {
  const deployment = await find<Deployment>(cluster, OPERATOR);
  const image = deployment?.spec?.template?.spec?.containers?.find(({ name }) => name === 'operator')?.image;
  if (image === undefined) {
    const missing = `there is no Deployment ${CONTROL_PLANE_SERVICE} in ${CONTROL_PLANE_NAMESPACE} of ${cluster.server}`;
    throw new CliError('WEFT_CLI_NOT_INSTALLED', missing);
  }
  const parsed = parseImage(image);
  return { version: (parsed === null ? '' : versionOf(parsed)) || UNAVAILABLE, image };
}

interface Pod {
  metadata?: { annotations?: Record<string, string> };
}

async function proxiesOf(cluster: Cluster, namespace: string | undefined): Promise<Record<string, number>> {
  const path = namespace === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const pods = await list<Pod>(cluster, path, {
    labelSelector: CONTROL_PLANE_LABEL,
    fieldSelector: 'status.phase=Running',
  });
  const counts = new Map<string, number>();
  for (const { metadata } of pods) {
    const own = metadata?.annotations?.[PROXY_VERSION] ?? 'unknown';
    counts.set(own, (counts.get(own) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Linkerd's words, so that what reads them goes on. */
function textOf({ clientVersion, server, proxyVersions }: Versions, { short }: Options): string {
  const lines = [short ? clientVersion : `Client version: ${clientVersion}`];
  if (server !== undefined) {
    const text = server?.version ?? UNAVAILABLE;
    lines.push(short ? text : `Server version: ${text}`);
  }
  if (proxyVersions !== undefined) {
    const rows = Object.entries(proxyVersions).map(([name, pods]) => `${name} (${pods} pods)`);
    if (short) lines.push(...rows);
    else lines.push('Proxy versions:', ...(rows.length === 0 ? ['none'] : rows).map((row) => `\t${row}`));
  }
  return `${lines.join('\n')}\n`;
}
