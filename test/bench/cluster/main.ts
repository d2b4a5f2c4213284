/**
 * What a large cluster costs one replica, without connections to API server and proxies:
 * node --expose-gc --max-semi-space-size=4 test/bench/cluster/main.ts [--sessions 667] [--services 20] [--changes 500]
 *
 * Objects as the API server has them go through parsers, caches and state; sessions with that many Services each are subscribed and acknowledge whatever they are
 * sent. Then objects change one by one, each when the one before has been acknowledged. Memory is that of the heap, after a collection; times are from the event to
 * the first and to the last write, p50 / p99 / longest. CPU is that of the whole process, the making of the raw objects left out.
 */
import { parseArgs } from 'node:util';
import { quantile } from '../figures.ts';
import { clusterObjects, LARGE_CLUSTER, type Raw, rawPod, rawProfile, rawSlice, rawSplit } from './objects.ts';
import { ReplicaAlone } from './replica.ts';

const MIB = 1024 * 1024;
const SHARES = [0.5, 0.99, 1];

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '667' },
    services: { type: 'string', default: '20' },
    changes: { type: 'string', default: '500' },
  },
});
const sessions = Number(values.sessions);
const changes = Number(values.changes);
const size = LARGE_CLUSTER;

function heapBytes(): number {
  // What the first leaves is freed by the second: bytes outside of the heap.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function quantiles(all: readonly number[]): string {
  const sorted = all.toSorted((a, b) => a - b);
  return SHARES.map((share) => quantile(sorted, share).toFixed(2)).join(' / ');
}

/** Returns the last resourceVersion. */
function fill(replica: ReplicaAlone): number {
  const counts = new Map<string, number>();
  let revision = 0;
  let kind = '';
  let beforeBytes = heapBytes();
  const tell = () => {
    const nowBytes = heapBytes();
    const count = counts.get(kind);
    if (count !== undefined)
      console.log(`${kind.padEnd(20)} ${count} of ${((nowBytes - beforeBytes) / count).toFixed(0)} octets`);
    beforeBytes = nowBytes;
  };
  for (const raw of clusterObjects(size)) {
    if (raw.kind !== kind) tell();
    kind = raw.kind;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    revision += 1;
    replica.see(raw);
  }
  tell();
  return revision;
}

async function storm(replica: ReplicaAlone, name: string, objects: readonly Raw[]): Promise<void> {
  const first: number[] = [];
  const last: number[] = [];
  const total = { compiled: 0, changed: 0, writes: 0, bytes: 0 };
  replica.work();
  const cpu = process.cpuUsage();
  for (const object of objects) {
    const fromMs = performance.now();
    replica.see(object);
    await replica.settled();
    const work = replica.work();
    if (work.firstWriteMs > 0) first.push(work.firstWriteMs - fromMs);
    if (work.firstWriteMs > 0) last.push(work.lastWriteMs - fromMs);
    for (const what of ['compiled', 'changed', 'writes', 'bytes'] as const) total[what] += work[what];
  }
  const { user, system } = process.cpuUsage(cpu);
  const each = (sum: number) => (sum / objects.length).toFixed(2);
  console.log(
    `${name}: compiled ${each(total.compiled)}, changed ${each(total.changed)}, written ${each(total.writes)}`,
  );
  console.log(
    `  ${(total.bytes / Math.max(1, total.writes)).toFixed(0)} octets a write, CPU ${each((user + system) / 1000)} ms`,
  );
  if (first.length > 0) console.log(`  first write ${quantiles(first)} ms, last ${quantiles(last)} ms`);
}

async function main(): Promise<void> {
  const replica = await ReplicaAlone.start();
  const emptyBytes = heapBytes();
  const revision = fill(replica);
  const filledBytes = heapBytes();
  console.log(`the cluster: ${((filledBytes - emptyBytes) / MIB).toFixed(1)} MiB`);
  await replica.connect(sessions, Number(values.services), size);
  const bytes = heapBytes() - filledBytes;
  const { resources, audiences } = replica.distribution.cache.size;
  console.log(`${sessions} sessions: ${(bytes / MIB).toFixed(1)} MiB, ${(bytes / sessions).toFixed(0)} octets each`);
  console.log(`  with ${resources} resources and ${audiences} audiences`);
  const storms: Record<string, (at: number, version: number) => Raw> = {
    'what the kubelet says of a pod': (at, version) => rawPod(at, 0, size, version, 1 + at),
    'an endpoint': (at, version) => rawSlice((at * 7) % size.services, size, version, 3 + (at % 2)),
    'a ServiceProfile': (at, version) => rawProfile((at * 7) % size.profiles, size, version, 2_000 + at),
    'a TrafficSplit': (at, version) => rawSplit((at * 7) % size.splits, size, version, 1 + (at % 900)),
  };
  for (const [index, [name, make]] of Object.entries(storms).entries()) {
    const objects = Array.from({ length: changes }, (_, at) => make(at, revision + 1 + index * changes + at));
    await storm(replica, name, objects);
  }
  console.log(`heap ${(heapBytes() / MIB).toFixed(1)} MiB`);
  await replica.stop();
}

await main();
