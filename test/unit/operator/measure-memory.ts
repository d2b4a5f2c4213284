/** Run by Node with --expose-gc: prints the octets of the heap that each object of a kind takes in a replica, and each session, as JSON. */
import { type ClusterSize, clusterObjects, type Raw } from '../../bench/cluster/objects.ts';
import { ReplicaAlone } from '../../bench/cluster/replica.ts';

const SIZE: ClusterSize = {
  services: 100,
  endpoints: 10,
  profiles: 300,
  splits: 50,
  routes: 50,
  authorizations: 100,
  namespaces: 10,
};
const SESSIONS = 67;
const SERVICES = 20;

export interface Octets {
  kinds: Record<string, number>;
  session: number;
  connected: number;
  current: number;
}

function heapBytes(): number {
  // What the first leaves is freed by the second: bytes outside of the heap.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function measure(): Promise<Octets> {
  const replica = await ReplicaAlone.start();
  const objects: Raw[] = JSON.parse(JSON.stringify([...clusterObjects(SIZE)]));
  const kinds: Record<string, number> = {};
  for (const [kind, [first, ...others]] of Map.groupBy(objects, (each) => each.kind)) {
    // What it loads and compiles is not counted.
    replica.see(first!);
    const before = heapBytes();
    for (const object of others) replica.see(object);
    kinds[kind] = (heapBytes() - before) / others.length;
  }
  await replica.connect(1, SERVICES, SIZE);
  const before = heapBytes();
  await replica.connect(SESSIONS, SERVICES, SIZE);
  const session = (heapBytes() - before) / SESSIONS;
  const { connected, current } = replica.distribution.connections();
  await replica.stop();
  return { kinds, session, connected, current };
}

console.log(JSON.stringify(await measure()));
