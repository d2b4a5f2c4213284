import type { Command } from 'commander';
import { CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE } from '../../proxy-image/contract/names.ts';
import { OPERATOR_PORTS } from '../../proxy-image/contract/ports.ts';
import { type Cluster, list } from '../cluster/cluster.ts';
import { connect } from '../cluster/connect.ts';
import { readPod } from '../cluster/pod-http.ts';
import { CliError, shownOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { SELECTOR } from '../install/resources.ts';
import { harmless } from '../output/harmless.ts';
import { waiting } from '../output/progress.ts';
import { each } from '../pods/each.ts';
import { selectProxies } from '../pods/selected.ts';
import type { Call, Verb } from '../verb.ts';

interface Options {
  controlPlane?: true;
  selector?: string;
}

/** A port that has metrics. */
interface Source {
  namespace: string;
  name: string;
  port: number;
}

export const metrics: Verb = {
  describe(command: Command) {
    command
      .description(
        'Prints the metrics of proxies as they are (Prometheus text format), pod by pod with a comment before each.',
      )
      .argument('[resource...]', 'KIND/NAME (deploy/web, svc/web, ns/shop …), or the name of a pod')
      .option('-l, --selector <labels>', 'pods with these labels')
      .option('--control-plane', 'the metrics of the operator instead')
      .addHelpText('after', EXAMPLES);
  },

  async run(call: Call): Promise<ExitCode> {
    const { context, command } = call;
    const options = command.opts<Options>();
    const cluster = await connect(call);
    const answers = await waiting(context, 'Asking pods for their metrics', async () => {
      const sources = await sourcesOf(cluster, command.args, options);
      const texts = await each(sources, (source) => readPod(cluster, source, source.port, '/metrics'));
      return sources.map((source, at) => ({ source, answer: texts[at]! }));
    });
    for (const [at, { source, answer }] of answers.entries()) {
      context.stdout.write(`#\n# POD ${source.name} (${at + 1} of ${answers.length})\n#\n`);
      if (answer.status === 'fulfilled') context.stdout.write(`${asShown(context, answer.value.trimEnd())}\n`);
      else reportFailure(call, source, answer.reason);
    }
    return answers.some(({ answer }) => answer.status === 'rejected') ? EXIT.findings : EXIT.ok;
  },
};

const EXAMPLES = `
Examples:
  weft metrics -n shop deploy/web | grep ^response_total
  weft metrics --control-plane`;

/** Labels hold what clients have sent: a file gets it as it is, a terminal nothing that it would obey. */
function asShown({ stdout }: Call['context'], text: string): string {
  return stdout.terminal === null ? text : harmless(text);
}

/** In the text as a comment too, so that what was saved does not look whole. */
function reportFailure({ context }: Call, { namespace, name }: Source, reason: unknown): void {
  const { code, message } = shownOf(reason);
  const line = harmless(message.replaceAll(/\s+/g, ' '));
  context.stdout.write(`# ${code}: ${line}\n`);
  context.stderr.write(`${namespace}/${name}: ${code}: ${line}\n`);
}

async function sourcesOf(cluster: Cluster, resources: readonly string[], options: Options): Promise<Source[]> {
  if (options.controlPlane === true) {
    if (resources.length > 0 || options.selector !== undefined) {
      throw new CliError('WEFT_CLI_USAGE', '--control-plane takes no resources: it means the operator');
    }
    return operators(cluster);
  }
  const proxies = await selectProxies(cluster, { resources, ...options });
  return proxies.map(({ meta, proxyPorts }) => ({
    namespace: meta.namespace,
    name: meta.name,
    port: proxyPorts.admin,
  }));
}

async function operators(cluster: Cluster): Promise<Source[]> {
  const pods = await list<{ metadata: { name: string } }>(
    cluster,
    `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/pods`,
    { labelSelector: SELECTOR, fieldSelector: 'status.phase=Running' },
  );
  if (pods.length === 0) {
    throw new CliError(
      'WEFT_CLI_NOT_INSTALLED',
      `no pod of ${CONTROL_PLANE_SERVICE} runs in ${CONTROL_PLANE_NAMESPACE}`,
    );
  }
  return pods.map(({ metadata: { name } }) => ({
    namespace: CONTROL_PLANE_NAMESPACE,
    name,
    port: OPERATOR_PORTS.admin,
  }));
}
