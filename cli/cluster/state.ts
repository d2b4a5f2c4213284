import { KINDS } from '../../crds/kinds/registry.ts';
import type { KindRow } from '../../crds/kinds/row.ts';
import { readMeta } from '../../crds/parse/metadata.ts';
import { ClusterState } from '../../crds/state/cluster-state.ts';
import { ApiError, type Cluster, list } from './cluster.ts';

/** Of these a cluster has as many as it has pods: they are read of the namespaces that matter alone. */
const MANY: readonly string[] = ['Pod', 'Service', 'EndpointSlice'];

/**
 * The objects that the operator makes configuration of, in the state that it compiles from, so that what it makes of them can be seen without it: pods, Services and
 * EndpointSlices of the namespaces given, everything else of all namespaces, or of those given where the API server does not allow more.
 */
export async function readState(cluster: Cluster, namespaces: readonly string[]): Promise<ClusterState> {
  const state = new ClusterState(KINDS);
  await Promise.all(KINDS.map((row) => take(state, cluster, row, namespaces)));
  return state;
}

async function take(state: ClusterState, cluster: Cluster, row: KindRow, namespaces: readonly string[]): Promise<void> {
  const apiVersion = row.group === '' ? row.watched : `${row.group}/${row.watched}`;
  for (const item of await objectsOf(cluster, row, namespaces)) {
    // Items of a list do not say what they are.
    const object = { ...item, apiVersion, kind: row.kind };
    const meta = readMeta(object);
    state.applyParsed(row, row.parse(object), meta);
  }
}

async function objectsOf(cluster: Cluster, row: KindRow, namespaces: readonly string[]): Promise<object[]> {
  const root = row.group === '' ? `/api/${row.watched}` : `/apis/${row.group}/${row.watched}`;
  const within = async () => {
    const lists = namespaces.map((name) =>
      listed(cluster, `${root}/namespaces/${encodeURIComponent(name)}/${row.plural}`),
    );
    return (await Promise.all(lists)).flat();
  };
  if (row.scope === 'Namespaced' && MANY.includes(row.kind)) return within();
  try {
    return await listed(cluster, `${root}/${row.plural}`);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    // A namespace may be read by name where all may not.
    if (row.kind === 'Namespace') return namesOnly(cluster, namespaces);
    return row.scope === 'Namespaced' ? within() : [];
  }
}

async function namesOnly(cluster: Cluster, namespaces: readonly string[]): Promise<object[]> {
  const objects = namespaces.map((name) =>
    cluster.request<object>({ path: `/api/v1/namespaces/${encodeURIComponent(name)}` }).catch(() => null),
  );
  return (await Promise.all(objects)).filter((object) => object !== null);
}

/** A definition that the cluster has not has no objects. */
async function listed(cluster: Cluster, path: string): Promise<object[]> {
  try {
    return await list<object>(cluster, path);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}
