import type { CustomResourceManifest } from '../../crds/manifest.ts';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import { bundleOf, gatewayDefinitions } from '../gateway-api/definitions.ts';
import { getJson, kubectl, phase } from './kubectl.ts';

type Definition = Pick<CustomResourceManifest, 'metadata'>;

const GROUP = '.gateway.networking.k8s.io';

/** What is to be created, and what is said of what is there. */
export interface Plan {
  missing: Definition[];
  /** One line for each definition that stays, and a warning where the cluster ends up with several bundles. */
  lines: string[];
}

/** Nothing that is there is touched: other implementations of the Gateway API in the cluster were made for what they found. */
export function planOf(wanted: readonly Definition[], present: readonly Definition[]): Plan {
  const names = new Set(present.map(({ metadata }) => metadata.name));
  const missing = wanted.filter(({ metadata }) => !names.has(metadata.name));
  const held = present.filter(({ metadata }) => wanted.some((one) => one.metadata.name === metadata.name));
  const lines = held.map((one) => `  ${one.metadata.name} is there (${named(one)}) and stays as it is`);
  const bundles = new Set([...missing, ...present].map(named));
  if (missing.length > 0 && bundles.size > 1) {
    lines.push(`  WARNING: the definitions of the Gateway API are of several bundles now: ${[...bundles].join('; ')}`);
  }
  return { missing, lines };
}

function named(definition: Definition): string {
  const { version, channel } = bundleOf(definition);
  return `${version}, ${channel} channel`;
}

/**
 * Creates the definitions of the Gateway API that the cluster lacks. They are everybody's: no uninstallation removes them.
 * @throws ControlPlaneError WEFT_INSTALL_GATEWAY_API where they cannot be had
 */
export async function installGatewayApi(): Promise<void> {
  const wanted = await gatewayDefinitions().catch((error: unknown) => {
    throw new ControlPlaneError(
      'WEFT_INSTALL_GATEWAY_API',
      error instanceof Error ? error.message : String(error),
      error,
    );
  });
  const { items } = await getJson<{ items: Definition[] }>('customresourcedefinitions');
  const { missing, lines } = planOf(
    wanted,
    items.filter(({ metadata }) => metadata.name.endsWith(GROUP)),
  );
  for (const line of lines) console.log(line);
  const bundles = [...new Set(missing.map(named))].map((bundle) => ` (${bundle})`);
  await phase(`definitions of the Gateway API: ${missing.length}${bundles}`, async () => {
    for (const definition of missing) await create(definition);
    const names = wanted.map(({ metadata }) => `customresourcedefinition/${metadata.name}`);
    await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names]);
  });
}

/** Unlike `apply`, it changes nothing that somebody else has made in the meantime. */
async function create(definition: Definition): Promise<void> {
  try {
    await kubectl(['create', '-f', '-'], JSON.stringify(definition));
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('AlreadyExists'))) throw error;
  }
}
