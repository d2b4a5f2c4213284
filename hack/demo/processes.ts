import { readdirSync, readFileSync } from 'node:fs';
import { getJson, NAMESPACE } from './kubectl.ts';

export interface PodIdentity {
  metadata: { uid: string; name: string };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process ended meanwhile
  }
}

/**
 * Processes of a pod on this machine, found by the pod's control group. Works with the local cluster only:
 * on any other one the node's processes are not ours to see.
 */
export function processesOf(pod: PodIdentity, commandContains = ''): number[] {
  const uids = [pod.metadata.uid, pod.metadata.uid.replaceAll('-', '_')];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => {
    const group = read(`/proc/${pid}/cgroup`);
    return uids.some((uid) => group.includes(uid)) && read(`/proc/${pid}/cmdline`).includes(commandContains);
  });
  if (found.length === 0) {
    throw new Error(
      `no process of pod ${pod.metadata.name} on this machine: this step needs the local cluster (make cluster-up)`,
    );
  }
  return found.map(Number);
}

export async function podsOf(selector: string): Promise<PodIdentity[]> {
  return (await getJson<{ items: PodIdentity[] }>('pods', '-n', NAMESPACE, '-l', selector)).items;
}
