import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import { CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import { deleteDefinitions } from './definitions.ts';
import { injectedPods, listed } from './injected.ts';
import { kubectl, phase } from './kubectl.ts';
import { MANIFESTS, manifest, NAMESPACE_MANIFEST, OURS } from './manifests.ts';
import { deleteOurs } from './ours.ts';
import { WEBHOOKS } from './webhooks.ts';

export interface UninstallOptions {
  /** Although pods have proxies that nobody configures then. */
  force: boolean;
  /** The root of trust and all custom resources too. */
  purge: boolean;
}

/**
 * Removes the control plane: what has its names *and* its label. The root of trust stays, and the definitions with the custom resources: a later installation takes them up, and proxies that are
 * still there go on with it by themselves.
 * @throws ControlPlaneError WEFT_UNINSTALL_INJECTED naming the pods that have a proxy, unless `force`
 */
export async function uninstall(options: UninstallOptions): Promise<void> {
  const injected = await injectedPods();
  if (injected.length > 0 && !options.force) throw new ControlPlaneError('WEFT_UNINSTALL_INJECTED', listed(injected));
  await removeControlPlane();
  if (options.purge) await purge();
  else
    console.log(
      `kept: namespace ${CONTROL_PLANE_NAMESPACE} with the root of trust, and the custom resources; --purge removes them`,
    );
  if (injected.length > 0) console.log(consequences(injected, options.purge));
}

/** The operator goes first, with its pods: it would make its webhook configurations anew. */
async function removeControlPlane(): Promise<void> {
  await phase('operator', () =>
    deleteOurs(['-n', CONTROL_PLANE_NAMESPACE, 'deployment/weft-operator'], '', '--cascade=foreground'),
  );
  await phase('webhooks', () => deleteOurs(WEBHOOKS));
  await phase('control plane', async () => {
    // The one object without a label: the operator makes it, in its own namespace. A lease that an operator could not give back would keep the next one from leading.
    await kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'delete', 'lease/weft-operator', '--ignore-not-found']);
    for (const name of MANIFESTS.toReversed()) await remove(name);
  });
}

async function purge(): Promise<void> {
  await phase('root of trust', async () => {
    const secrets = ['-n', CONTROL_PLANE_NAMESPACE, 'delete', 'secrets', '--ignore-not-found', '-l', OURS.join('=')];
    await kubectl(secrets);
    await remove(NAMESPACE_MANIFEST);
  });
  await phase('custom resource definitions, and with them all custom resources', deleteDefinitions);
}

function remove(name: string): Promise<void> {
  return deleteOurs(['-f', '-'], manifest(name));
}

function consequences(injected: readonly string[], purged: boolean): string {
  const trust = purged
    ? 'a later installation has another root of trust, which they refuse: restart them then'
    : 'a later installation takes them up again';
  return [
    `${injected.length} pods still have a proxy (${listed(injected)}).`,
    'They serve with what they know for as long as their certificates last (a day at most), and do not learn of pods that are replaced;',
    `restart them to have them without a proxy; ${trust}.`,
  ].join('\n');
}
