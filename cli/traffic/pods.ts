import { ownerOf } from '../../crds/kinds/pod/parse.ts';
import { readMeta } from '../../crds/parse/metadata.ts';
import { CONTROL_PLANE_LABEL, CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import { type Cluster, list, METADATA_ONLY } from '../cluster/cluster.ts';
import { collectionOf, POD } from '../resources/kinds.ts';

/** A pod that has not ended, as far as its metadata says it. */
export interface Pod {
  namespace: string;
  name: string;
  /** The workload that it belongs to, after climbing from a ReplicaSet to its Deployment; empty texts: none. */
  owner: { kind: string; name: string };
  /** Injection writes the label with the proxy. */
  meshed: boolean;
}

/** As Linkerd counts: what has ended is hidden. */
export const NOT_ENDED = 'status.phase!=Succeeded,status.phase!=Failed';

/** Of a namespace, or of the whole cluster where it is `null`. */
export async function livingPods(cluster: Cluster, namespace: string | null): Promise<Pod[]> {
  const query = { fieldSelector: NOT_ENDED };
  const pods = await list<unknown>(cluster, collectionOf(POD, namespace), query, METADATA_ONLY);
  return pods.map(podOf);
}

/** @param raw a core/v1 Pod, or its metadata alone; unchecked */
export function podOf(raw: unknown): Pod {
  const { namespace, name, labels } = readMeta(raw);
  return { namespace, name, owner: ownerOf(raw), meshed: labels[CONTROL_PLANE_LABEL] === CONTROL_PLANE_NAMESPACE };
}

/** Of a number of pods, how many have a proxy. */
export interface Meshed {
  meshed: number;
  all: number;
}

/** By what `key` says of a pod; `null` = it belongs to none. */
export function countMeshed(pods: readonly Pod[], key: (pod: Pod) => string | null): Map<string, Meshed> {
  const counts = new Map<string, Meshed>();
  for (const pod of pods) {
    const of = key(pod);
    if (of === null) continue;
    const count = counts.get(of) ?? { meshed: 0, all: 0 };
    counts.set(of, { meshed: count.meshed + (pod.meshed ? 1 : 0), all: count.all + 1 });
  }
  return counts;
}
