/**
 * Installs the custom resource definitions and the control plane into the cluster of the current kubeconfig, or removes them:
 *
 *   node hack/install/main.ts [--force] [--upgrade-crds] [--gateway-api] [--no-wait]
 *   node hack/install/main.ts --only-gateway-api
 *   node hack/install/main.ts --uninstall [--force] [--purge]
 *
 * CONTEXT            context of the kubeconfig; without it, the current one
 * REGISTRY           where the cluster pulls images from (hack/images/push); without it, images are on the nodes already
 * WEFT_IMAGE_PREFIX  what is before the names of such images (default localhost/)
 * WEFT_IMAGE_TAG     tag of the images (default dev)
 */

import { Command } from 'commander';
import { CodedError } from '../../proxy-image/contract/errors.ts';
import { CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import { installDefinitions } from './definitions.ts';
import { installGatewayApi } from './gateway-api.ts';
import { apply, kubectl, phase } from './kubectl.ts';
import { MANIFESTS, manifest, NAMESPACE_MANIFEST } from './manifests.ts';
import { uninstall } from './uninstall.ts';
import { waitForWebhooks } from './webhooks.ts';

const ROLLOUT_TIMEOUT_S = 180;
const WEBHOOK_TIMEOUT_MS = 60_000;

interface Options {
  uninstall: boolean;
  force: boolean;
  purge: boolean;
  upgradeCrds: boolean;
  gatewayApi: boolean;
  onlyGatewayApi: boolean;
  wait: boolean;
}

async function install({ force, upgradeCrds, gatewayApi, wait }: Options): Promise<void> {
  await installDefinitions({ upgrade: upgradeCrds, force });
  if (gatewayApi) await installGatewayApi();
  await phase('control plane', async () => {
    for (const name of [NAMESPACE_MANIFEST, ...MANIFESTS]) await apply(manifest(name), force);
  });
  if (!wait) return;
  await phase('operator is ready', async () => {
    const timeout = `--timeout=${ROLLOUT_TIMEOUT_S}s`;
    await kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'rollout', 'status', 'deployment/weft-operator', timeout]);
  });
  await phase('webhooks are registered', () => waitForWebhooks(WEBHOOK_TIMEOUT_MS));
}

const options = new Command('install')
  .description('Applies custom resource definitions and control plane to the current cluster.')
  .option('--force', 'takes fields that somebody else has set; with --uninstall, although pods have proxies', false)
  .option('--upgrade-crds', 'replaces custom resource definitions that somebody else (Linkerd) has installed', false)
  .option('--gateway-api', 'creates the custom resource definitions of the Gateway API that the cluster lacks', false)
  .option('--only-gateway-api', 'the same, and nothing of Weft', false)
  .option('--no-wait', 'does not wait until the operator is ready')
  .option('--uninstall', 'removes the control plane; the root of trust and the custom resources stay', false)
  .option('--purge', 'with --uninstall: removes the root of trust and all custom resources too', false)
  .parse()
  .opts<Options>();

function selected(): (options: Options) => Promise<void> {
  if (options.uninstall) return uninstall;
  return options.onlyGatewayApi ? installGatewayApi : install;
}

try {
  await selected()(options);
} catch (error) {
  console.error(error instanceof CodedError ? `${error.code}: ${error.message}\n${error.next}` : error);
  process.exitCode = 1;
}
