/**
 * Installs from the source tree into the cluster of the current kubeconfig, or removes it: `weft install --apply` and `weft uninstall --apply`
 * (docs/cli.md, whose options may follow), with the images that `make images` has built.
 *
 *   node hack/install/main.ts [--gateway-api] [OPTIONS of weft install]
 *   node hack/install/main.ts --only-gateway-api
 *   node hack/install/main.ts --uninstall [OPTIONS of weft uninstall]
 *
 * --gateway-api       creates the custom resource definitions of the Gateway API that the cluster lacks; --only-gateway-api: and nothing of Weft
 *
 * CONTEXT            context of the kubeconfig; without it, the current one
 * REGISTRY           where the cluster pulls images from (hack/images/push); without it, images are on the nodes already
 * WEFT_IMAGE_PREFIX  what is before the names of such images (default localhost/)
 * WEFT_IMAGE_TAG     tag of the images (default dev)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../proxy-image/contract/errors.ts';
import { installGatewayApi } from './gateway-api.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const OWN = ['--uninstall', '--gateway-api', '--only-gateway-api'] as const;

/** A rebuilt image of the same tag restarts the operator. */
function imageInputs(): string {
  try {
    return readFileSync(join(ROOT, 'build', 'images', 'weft-operator.tar.inputs'), 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

function images(): string[] {
  const { REGISTRY = '', WEFT_IMAGE_PREFIX = 'localhost/', WEFT_IMAGE_TAG = 'dev' } = process.env;
  const prefix = REGISTRY === '' ? WEFT_IMAGE_PREFIX : `${REGISTRY.replace(/\/$/, '')}/`;
  const values = { prefix, tag: WEFT_IMAGE_TAG, inputs: imageInputs() };
  return Object.entries(values).flatMap(([name, value]) => ['--set', `images.${name}=${value}`]);
}

/** @returns its status */
async function weft(...args: string[]): Promise<number> {
  const { CONTEXT = '' } = process.env;
  const context = CONTEXT === '' ? [] : ['--context', CONTEXT];
  const program = join(ROOT, 'cli', 'main.ts');
  const [code] = await once(spawn(process.execPath, [program, ...args, ...context], { stdio: 'inherit' }), 'exit');
  return Number(code ?? 1);
}

async function main(argv: readonly string[]): Promise<number> {
  const [isRemoval, withGatewayApi, onlyGatewayApi] = OWN.map((flag) => argv.includes(flag));
  const passed = argv.filter((flag) => !OWN.some((own) => own === flag));
  if (isRemoval) return weft('uninstall', '--apply', ...passed);
  if (withGatewayApi || onlyGatewayApi) await installGatewayApi();
  return onlyGatewayApi ? 0 : weft('install', '--apply', ...images(), ...passed);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof CodedError ? `${error.code}: ${error.message}\n${error.next}` : error);
  process.exitCode = 1;
}
