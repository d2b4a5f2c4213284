import type { Context } from '../context.ts';
import type { Globals } from '../globals.ts';
import type { PodAccess, StreamAccess } from './cluster.ts';
import { originOf } from './origin.ts';

/**
 * The cluster that options and environment name. The Kubernetes client, which is most of the command's text, is loaded here and nowhere else, and not at all
 * where nothing names a cluster. Nothing is asked of the API server yet.
 * @throws CliError WEFT_CLI_KUBECONFIG
 */
export async function connect({
  context,
  globals,
}: {
  context: Context;
  globals: Globals;
}): Promise<PodAccess & StreamAccess> {
  const origin = originOf(context, globals.kubeconfig);
  const { openCluster } = await import('./kubeconfig.ts');
  return openCluster(origin, globals);
}
