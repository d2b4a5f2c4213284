import { VIZ_API_VERSION, vizPath } from '../../crds/viz/group.ts';
import type { ProxyDetail, ProxyList } from '../../crds/viz/proxy-list.ts';
import { ApiError, type Cluster } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';

/**
 * Proxies that are connected, of one namespace or of all where it is `null`.
 * @throws CliError WEFT_CLI_LIVE_NUMBERS where the cluster does not serve it
 */
export async function askProxies(cluster: Cluster, namespace: string | null): Promise<ProxyList> {
  const list = await asked<ProxyList>(cluster, vizPath('proxies', namespace));
  if (list.kind === 'ProxyList' && Array.isArray(list.items)) return list;
  throw new CliError('WEFT_CLI_LIVE_NUMBERS', 'what answers sends no ProxyList');
}

/** One proxy with its configuration; `null`: it has no connection. */
export async function askProxy(cluster: Cluster, namespace: string, name: string): Promise<ProxyDetail | null> {
  try {
    const proxy = await asked<ProxyDetail>(cluster, `${vizPath('proxies', namespace)}/${encodeURIComponent(name)}`);
    if (proxy.kind === 'Proxy' && Array.isArray(proxy.configuration)) return proxy;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return null;
    throw error;
  }
  throw new CliError('WEFT_CLI_LIVE_NUMBERS', 'what answers sends no Proxy');
}

async function asked<R>(cluster: Cluster, path: string): Promise<R> {
  try {
    return await cluster.request<R>({ path });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // An API server that knows no such group answers with no Status.
    if (error.status === 404 && error.reason === '') {
      throw new CliError('WEFT_CLI_LIVE_NUMBERS', `${VIZ_API_VERSION} is not there`, error);
    }
    if (error.status === 503) throw new CliError('WEFT_CLI_LIVE_NUMBERS', error.message, error);
    throw error;
  }
}
