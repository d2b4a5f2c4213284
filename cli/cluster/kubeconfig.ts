import type { AgentOptions, RequestOptions } from 'node:https';
import { type Cluster as KubeCluster, KubeConfig } from '@kubernetes/client-node';
import { CliError } from '../errors.ts';
import type { Globals } from '../globals.ts';
import type { PodAccess, StreamAccess } from './cluster.ts';
import { forward } from './forward.ts';
import type { Origin } from './origin.ts';
import { type Access, RestCluster } from './rest.ts';

/** @throws CliError WEFT_CLI_KUBECONFIG */
export function openCluster(origin: Origin, globals: Globals): PodAccess & StreamAccess {
  const config = load(origin);
  if (globals.context !== undefined) config.setCurrentContext(globals.context);
  const context = config.getContextObject(config.getCurrentContext());
  if (context === null) throw new CliError('WEFT_CLI_KUBECONFIG', missingContext(config));
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new CliError('WEFT_CLI_KUBECONFIG', `there is no cluster ${context.cluster}`);
  return new RestCluster({
    server: server.replace(/\/$/, ''),
    namespace: globals.namespace ?? (context.namespace || 'default'),
    timeoutMs: globals.requestTimeout,
    access: () => accessOf(config, globals),
    forward: (pod, port) =>
      forward(config, pod, port, { headers: impersonation(globals), timeoutMs: globals.requestTimeout }),
  });
}

function missingContext(config: KubeConfig): string {
  const wanted = config.getCurrentContext();
  const names = config.getContexts().map(({ name }) => name);
  const known = names.length === 0 ? 'the kubeconfig has none' : `the kubeconfig has ${names.join(', ')}`;
  return wanted === undefined || wanted === '' ? `no context is chosen; ${known}` : `no context ${wanted}; ${known}`;
}

function load(origin: Origin): KubeConfig {
  const merged = new KubeConfig();
  if (origin.type === 'pod') {
    merged.loadFromCluster();
    return merged;
  }
  for (const path of origin.paths) merge(merged, read(path));
  return merged;
}

function read(path: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
    return config;
  } catch (error) {
    throw new CliError('WEFT_CLI_KUBECONFIG', `${path}: ${error instanceof Error ? error.message : error}`, error);
  }
}

/** What an earlier file says stands (kubectl: the first file to set a value wins); the library's own merging refuses what two files name. */
function merge(into: KubeConfig, from: KubeConfig): void {
  const lacks = (known: readonly { name: string }[] | undefined) => (entry: { name: string }) =>
    known?.every(({ name }) => name !== entry.name) ?? true;
  into.clusters = [...(into.clusters ?? []), ...(from.clusters ?? []).filter(lacks(into.clusters)).map(plainAllowed)];
  into.users = [...(into.users ?? []), ...(from.users ?? []).filter(lacks(into.users))];
  into.contexts = [...(into.contexts ?? []), ...(from.contexts ?? []).filter(lacks(into.contexts))];
  if (!into.currentContext) into.currentContext = from.currentContext;
}

/** `kubectl proxy` speaks plain HTTP, which the library takes only where certificates, of which there are none, are not to be looked at. */
function plainAllowed(cluster: KubeCluster): KubeCluster {
  return cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster;
}

/** Credentials of the context: certificates, tokens, tokens of files and of exec plug-ins, a proxy. The library renews what expires. */
async function accessOf(config: KubeConfig, globals: Globals): Promise<Access> {
  const options: RequestOptions & AgentOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    throw new CliError('WEFT_CLI_KUBECONFIG', error instanceof Error ? error.message : String(error), error);
  }
  const { headers, auth, agent, ca, cert, key, passphrase, rejectUnauthorized, servername } = options;
  const own: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers ?? {})) own[name] = String(value);
  Object.assign(own, impersonation(globals));
  if (auth) own['Authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  const viaProxy = config.getCurrentCluster()?.proxyUrl !== undefined && typeof agent === 'object' ? agent : null;
  return { headers: own, tls: { ca, cert, key, passphrase, rejectUnauthorized, servername }, viaProxy };
}

/** Headers (Kubernetes: user impersonation). */
function impersonation({ as, asGroup = [] }: Globals): Record<string, string | string[]> {
  return {
    ...(as === undefined ? {} : { 'Impersonate-User': as }),
    ...(asGroup.length === 0 ? {} : { 'Impersonate-Group': asGroup }),
  };
}
