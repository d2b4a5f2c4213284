import type { X509Certificate } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { serviceAccountIdentity } from '../../proxy-image/contract/names.ts';
import type { PodAccess } from '../cluster/cluster.ts';
import { connect } from '../cluster/connect.ts';
import { readMesh } from '../cluster/mesh.ts';
import { shownOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { describe, faultsOf, textOf } from '../identity/description.ts';
import { presentedBy } from '../identity/presented.ts';
import { harmless } from '../output/harmless.ts';
import { waiting } from '../output/progress.ts';
import { each } from '../pods/each.ts';
import { selectProxies } from '../pods/selected.ts';
import type { Call, Verb } from '../verb.ts';

const FORMATS = ['text', 'pem', 'json'] as const;

interface Options {
  selector?: string;
  output: (typeof FORMATS)[number];
}

/** What one proxy has shown. */
interface Shown {
  namespace: string;
  pod: string;
  /** That its peers expect, by its ServiceAccount. */
  identity: string;
  /** The proxy's own first; empty where it could not be asked. */
  chain: readonly X509Certificate[];
  /** What is wrong with it, or why it could not be asked. */
  faults: readonly string[];
}

export const identity: Verb = {
  describe(command: Command) {
    command
      .description(
        'Prints the certificates that proxies show to their peers: as people read them, and as PEM. A connection to the port of the mesh of each pod is made for it, by way of the API server (pods/portforward).',
      )
      .argument('[resource...]', 'the name of a pod, or KIND/NAME (deploy/web, ns/shop …)')
      .option('-l, --selector <labels>', 'pods with these labels')
      .addOption(new Option('-o, --output <format>', 'format').choices(FORMATS).default('text'))
      .addHelpText('after', EXAMPLES);
  },

  async run(call: Call): Promise<ExitCode> {
    const { context, globals, command } = call;
    const options = command.opts<Options>();
    const cluster = await connect(call);
    const nowMs = context.clock.wallMs();
    const shown = await waiting(context, 'Asking proxies for their certificates', async () => {
      const pods = await selectProxies(cluster, { resources: command.args, ...options });
      const { suffix } = (await readMesh(cluster)).identity;
      const chains = await each(pods, (pod) => ask(cluster, pod, identityOf(pod, suffix), globals.requestTimeout));
      return pods.map((pod, at) => shownBy(pod, identityOf(pod, suffix), chains[at]!, nowMs));
    });
    context.stdout.write(harmless(PRINTERS[options.output](shown, nowMs)));
    for (const { namespace, pod, faults } of shown) {
      for (const fault of faults) context.stderr.write(`${namespace}/${pod}: ${harmless(fault)}\n`);
    }
    return shown.some(({ faults }) => faults.length > 0) ? EXIT.findings : EXIT.ok;
  },
};

const EXAMPLES = `
Examples:
  weft identity -n shop deploy/web
  weft identity -n shop -l app=web -o pem | openssl storeutl -noout -text /dev/stdin`;

function identityOf({ serviceAccount, meta }: PodModel, suffix: string): string {
  return serviceAccountIdentity(serviceAccount, meta.namespace, suffix);
}

async function ask(
  access: PodAccess,
  { meta, proxyPorts }: PodModel,
  name: string,
  timeoutMs: number,
): Promise<X509Certificate[]> {
  return presentedBy(await access.forward(meta, proxyPorts.inboundMesh), name, timeoutMs);
}

function shownBy(
  { meta }: PodModel,
  name: string,
  answer: PromiseSettledResult<X509Certificate[]>,
  nowMs: number,
): Shown {
  const pod = { namespace: meta.namespace, pod: meta.name, identity: name };
  if (answer.status === 'fulfilled') {
    return { ...pod, chain: answer.value, faults: faultsOf(answer.value, name, nowMs) };
  }
  const { code, message } = shownOf(answer.reason);
  return { ...pod, chain: [], faults: [`${code}: ${message}`] };
}

type Printer = (shown: readonly Shown[], nowMs: number) => string;

const PRINTERS: Readonly<Record<Options['output'], Printer>> = {
  text: (shown, nowMs) =>
    shown
      .map(({ pod, chain }, at) => {
        const texts = chain.map((certificate) => textOf(certificate, nowMs));
        return `POD ${pod} (${at + 1} of ${shown.length})\n\n${texts.join('\n')}`;
      })
      .join('\n'),
  pem: (shown) => shown.flatMap(({ chain }) => chain.map((certificate) => certificate.toString())).join(''),
  json: (shown) =>
    `${JSON.stringify(
      shown.map(({ chain, ...rest }) => ({ ...rest, certificates: chain.map(describe) })),
      null,
      2,
    )}\n`,
};
