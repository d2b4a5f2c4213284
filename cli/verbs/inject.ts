import type { Command } from 'commander';
import { WORKLOAD } from '../../crds/annotations/workload.ts';
import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import { DEFAULT_MESH, parseMesh } from '../../crds/kinds/mesh/parse.ts';
import { connect } from '../cluster/connect.ts';
import { CliError } from '../errors.ts';
import { type Installed, installedIn } from '../inject/from-cluster.ts';
import { injectManually, type ManualSettings } from '../inject/manual.ts';
import { planInjection, type Wish } from '../inject/plan.ts';
import { rewrite, rewriteText } from '../inject/rewrite.ts';
import { declareSettings, settingsOf } from '../inject/settings.ts';
import { readInput } from '../input.ts';
import { partsOf } from '../manifests/documents.ts';
import type { Call, Verb } from '../verb.ts';

interface Options {
  ingress?: true;
  manual?: true;
  trustAnchorsFile?: string;
  mesh?: string;
  proxyImage?: string;
  ignoreCluster?: true;
}

export const inject: Verb = {
  describe(command: Command) {
    command
      .description(
        'Prints a manifest with the annotations that give its pods a proxy when they are created. Nothing else in it changes. No cluster is asked, but with --manual for what is not given.',
      )
      .argument('<input...>', 'file, folder, URL, or - for stdin')
      .option('--ingress', 'sets linkerd.io/inject: ingress')
      .option('--manual', 'writes the whole proxy into the manifest')
      .option('--trust-anchors-file <file>', 'with --manual: trust anchors of the mesh, PEM; then no cluster is asked')
      .option('--mesh <file>', 'with --manual: manifest of the Mesh; without it that of the cluster, or its defaults')
      .option('--ignore-cluster', 'asks no cluster, with --manual neither');
    declareSettings(command);
  },

  async run(call: Call) {
    const options = call.command.opts<Options>();
    const wish: Wish = { mode: options.ingress ? 'ingress' : null, annotations: settingsOf(call.command) };
    if (options.manual === undefined) {
      if (options.trustAnchorsFile !== undefined) throw onlyManual('--trust-anchors-file');
      if (options.mesh !== undefined) throw onlyManual('--mesh');
      return rewrite(call, (input) => rewriteText(input, (part, text) => planInjection(part, text, wish)));
    }
    const settings = await manualSettings(call, options);
    // The image that the mesh is installed with, not another one for these pods.
    const annotations = Object.entries(wish.annotations).filter(([name]) => name !== WORKLOAD.image.names[0]);
    const own = { ...wish, annotations: Object.fromEntries(annotations) };
    return rewrite(call, (input) => injectManually(input, own, settings));
  },
};

function onlyManual(option: string): CliError {
  return new CliError('WEFT_CLI_USAGE', `${option} has no meaning without --manual`);
}

async function manualSettings(call: Call, options: Options): Promise<ManualSettings> {
  const { trustAnchorsFile } = options;
  const installed = trustAnchorsFile === undefined ? await fromCluster(call, options) : null;
  const mesh = options.mesh === undefined ? (installed?.mesh ?? DEFAULT_MESH) : await readMeshFile(call, options.mesh);
  const proxyImage = options.proxyImage ?? (mesh.proxy.image || (installed?.proxyImage ?? ''));
  if (proxyImage === '') throw new CliError('WEFT_CLI_USAGE', '--manual needs --proxy-image, or a Mesh that names it');
  const trustAnchorsPem = installed?.trustAnchorsPem ?? (await readAnchors(call, trustAnchorsFile ?? ''));
  return { mesh, trustAnchorsPem, proxyImage, namespace: call.globals.namespace ?? installed?.namespace ?? '' };
}

/** Whoever says whom the proxies trust is asked for the rest too; otherwise the cluster is. */
async function fromCluster(call: Call, { ignoreCluster }: Options): Promise<Installed & { namespace: string }> {
  if (ignoreCluster) {
    throw new CliError(
      'WEFT_CLI_USAGE',
      '--manual without a cluster needs --trust-anchors-file: the proxy trusts nobody else',
    );
  }
  const cluster = await connect(call);
  return { ...(await installedIn(cluster)), namespace: cluster.namespace };
}

async function readAnchors(call: Call, file: string): Promise<string> {
  const trustAnchorsPem = await readInput(call, file);
  if (trustAnchorsPem.includes('-----BEGIN CERTIFICATE-----')) return trustAnchorsPem;
  throw new CliError('WEFT_CLI_INPUT', `${file} has no certificate`);
}

async function readMeshFile(call: Call, file: string): Promise<MeshModel> {
  const [part] = partsOf(await readInput(call, file), file);
  const { model, problems } = parseMesh(part === undefined || part === 'no kind' ? {} : part.value);
  const wrong = problems.filter(({ severity }) => severity === 'error');
  if (model !== null && wrong.length === 0) return model;
  throw new CliError(
    'WEFT_CLI_MANIFEST',
    `${file}: ${wrong.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
  );
}
