import { readFileSync } from 'node:fs';
import { getJson, kubectl } from '../demo/kubectl.ts';
import { processesOf } from '../demo/processes.ts';
import { until } from '../demo/shell.ts';

/** Of `world.yaml`. */
export const NAMESPACE = 'losses';
export const SYSTEM = 'weft-system';
/** Of hack/cluster: the one that is lost. */
export const LOST_NODE = 'weft-2';
/** What the command line of a replica has. */
const PROGRAM = 'operator/main.mjs';
const CONFIG_PORT = 8086;
const ESTABLISHED = '01';

export interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string; labels?: Record<string, string> };
  spec: { nodeName?: string; initContainers?: { name: string }[]; containers: { name: string }[] };
  status: { podIP?: string; phase: string; conditions?: { type: string; status: string }[] };
}

export async function podsOf(namespace: string, selector: string): Promise<Pod[]> {
  const { items } = await getJson<{ items: Pod[] }>('pods', '-n', namespace, '-l', selector);
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}

export function hasProxy({ spec }: Pod): boolean {
  return [...(spec.initContainers ?? []), ...spec.containers].some(({ name }) => name === 'linkerd-proxy');
}

export const replicas = (): Promise<Pod[]> => podsOf(SYSTEM, 'app.kubernetes.io/name=weft-operator');

/** The replica that leads; another one than `before`, where that is named. */
export async function leader(before = ''): Promise<Pod> {
  const { value } = await until('a leader', 60_000, async () => {
    const lease = await getJson<{ spec: { holderIdentity?: string } }>('lease', 'weft-operator', '-n', SYSTEM);
    const pods = await replicas();
    return pods.find(({ metadata }) => metadata.name === lease.spec.holderIdentity && metadata.name !== before) ?? null;
  });
  return value;
}

/** All that are wanted are there and ready. Returns how long it took. */
export async function whole(limitMs = 120_000): Promise<number> {
  const { ms } = await until('three replicas ready', limitMs, async () => {
    const pods = await replicas();
    return pods.length === 3 && pods.every(isReady) ? true : null;
  });
  return ms;
}

/** SIGKILL to a replica: it says nothing to anybody. */
export function kill(pod: Pod): void {
  for (const pid of processesOf(pod, PROGRAM)) process.kill(pid, 'SIGKILL');
}

/** Which replica the proxy of this pod is connected to, as the sockets of the replicas tell. */
export async function replicaOf(caller: Pod): Promise<Pod | null> {
  const wanted = caller.status.podIP ?? '';
  for (const pod of await replicas()) {
    const [pid] = processesIfAny(pod);
    if (pid !== undefined && peersOf(pid).includes(wanted)) return pod;
  }
  return null;
}

/** A pod of a node that is lost has none, whatever the API server says of it. */
function processesIfAny(pod: Pod): number[] {
  try {
    return processesOf(pod, PROGRAM);
  } catch {
    return [];
  }
}

/** Addresses of those connected to the port of the configuration stream, in the network of this process. */
function peersOf(pid: number): string[] {
  const lines = ['tcp', 'tcp6'].flatMap((family) => readFileSync(`/proc/${pid}/net/${family}`, 'utf8').split('\n'));
  return lines.flatMap((line) => {
    const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/);
    const isStream = Number.parseInt(local.split(':')[1] ?? '', 16) === CONFIG_PORT && state === ESTABLISHED;
    return isStream ? [ipv4Of(remote.split(':')[0] ?? '')] : [];
  });
}

/** The kernel prints 32 bits of an address in the order of the machine; of a mapped one the last 32 count. */
function ipv4Of(hex: string): string {
  const bytes = hex.slice(-8).match(/../g) ?? [];
  return bytes
    .toReversed()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}

export async function callerPod(): Promise<Pod> {
  const [pod] = await podsOf(NAMESPACE, 'app=caller');
  if (pod === undefined) throw new Error('there is no caller');
  return pod;
}

export async function deletePod({ metadata }: Pod, namespace: string): Promise<void> {
  await kubectl(['-n', namespace, 'delete', 'pod', metadata.name, '--wait=false']);
}
