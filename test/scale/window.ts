import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, ForeignLoad } from '../bench/host/cpu.ts';
import { machineMs } from './clock.ts';
import { spreadOf, sum } from './distribution.ts';
import type { WindowFigures } from './figures.ts';
import { gaugeOf, rankBetween } from './histogram.ts';
import type { Operators, OperatorUse } from './operators.ts';
import type { Figures } from './proxies/protocol.ts';
import type { Troupe } from './proxies/troupe.ts';
import type { Trace, Traces } from './trace.ts';

const SAMPLE_MS = 2_000;
const SAY_MS = 10_000;
/** Until the last change of a window has reached the last proxy, and arrivals are told of. */
const TAIL_MS = 3_000;
const NS_PER_MS = 1e6;
const WRITE = 'weft_config_write_seconds';
const ACKNOWLEDGED = 'weft_config_propagation_seconds';

export interface WindowParts {
  operators: Operators;
  troupe: Troupe;
  traces: Traces;
  /** etcd first, then the API server. */
  serverPids: number[];
  failedWrites(): number;
  say(text: string): void;
}

interface Reading {
  atMs: number;
  operators: OperatorUse[];
  etcdMs: number;
  apiServerMs: number;
  ownMs: number;
  metrics: string[];
  failedWrites: number;
}

/** What there is to be said of a stretch of time in which the cluster changes and nothing else happens. */
export async function measureWindow(parts: WindowParts, proxies: number, seconds: number): Promise<WindowFigures> {
  const { operators, troupe, traces } = parts;
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  troupe.say({ type: 'mark' });
  const before = await read(parts);
  const foreign = new ForeignLoad(() => ownCpuMs(parts));
  const peak = await watchMemory(parts, seconds);
  const after = await read(parts);
  const othersShare = foreign.share();
  lag.disable();
  await sleep(TAIL_MS);
  const figures = await troupe.figures();
  operators.assertRunning();
  const made = traces.all.filter(({ sentMs }) => sentMs >= before.atMs && sentMs < after.atMs);
  return {
    proxies,
    seconds: (after.atMs - before.atMs) / 1_000,
    failedWrites: after.failedWrites - before.failedWrites,
    dropped: figures.dropped,
    refusedBatches: figures.refusedBatches,
    ...changesOf(made, figures),
    ...useOf(before, after, peak),
    bytesPerSecond: figures.bytes / ((after.atMs - before.atMs + TAIL_MS) / 1_000),
    messagesPerSecond: figures.messages / ((after.atMs - before.atMs + TAIL_MS) / 1_000),
    machine: machineOf(before, after, { figures, lag, othersShare }),
    own: {
      writeP99Ms: rankBetween(before.metrics, after.metrics, WRITE, 0.99),
      acknowledgedP99Ms: rankBetween(before.metrics, after.metrics, ACKNOWLEDGED, 0.99),
    },
  };
}

async function read({ operators, serverPids, failedWrites }: WindowParts): Promise<Reading> {
  const metrics = await operators.metrics();
  const [etcd, apiServer] = serverPids;
  return {
    atMs: machineMs(),
    operators: operators.use(),
    etcdMs: cpuMs(etcd!),
    apiServerMs: cpuMs(apiServer!),
    ownMs: cpuMs('self'),
    metrics,
    failedWrites: failedWrites(),
  };
}

/** Of everything that belongs to the measurement, but for this process. */
function ownCpuMs({ operators, troupe, serverPids }: WindowParts): number {
  const pids = [...serverPids, ...troupe.pids];
  return sum(operators.use().map((use) => use.cpuMs)) + sum(pids.map((pid) => cpuMs(pid)));
}

interface Peak {
  memoryBytes: number;
  memoryEach: number[];
  residentBytes: number;
}

/** The reading with the most memory of all replicas together. */
async function watchMemory({ operators, say }: WindowParts, seconds: number): Promise<Peak> {
  const startMs = machineMs();
  let peak: Peak = { memoryBytes: 0, memoryEach: [], residentBytes: 0 };
  let saidMs = startMs;
  while (machineMs() - startMs < seconds * 1_000) {
    await sleep(Math.min(SAMPLE_MS, Math.max(1, startMs + seconds * 1_000 - machineMs())));
    const use = operators.use();
    const memoryEach = use.map(({ memoryBytes }) => memoryBytes);
    const memoryBytes = sum(memoryEach);
    if (memoryBytes > peak.memoryBytes) {
      peak = { memoryBytes, memoryEach, residentBytes: sum(use.map(({ residentBytes }) => residentBytes)) };
    }
    if (machineMs() - saidMs < SAY_MS) continue;
    saidMs = machineMs();
    const passed = Math.round((saidMs - startMs) / 1_000);
    say(`${passed} of ${Math.round(seconds)} s, memory of the replicas ${Math.round(memoryBytes / 1_048_576)} MiB`);
  }
  return peak;
}

type ChangeFigures = Pick<
  WindowFigures,
  | 'unseen'
  | 'endpointChanges'
  | 'resourceChanges'
  | 'incomplete'
  | 'unseen'
  | 'bytesPerEndpointChange'
  | 'firstMs'
  | 'lastMs'
  | 'apiServerMs'
>;

function changesOf(made: readonly Trace[], { holders }: Figures): ChangeFigures {
  const expected = ({ keys }: Trace) => sum(keys.map((key) => holders[key] ?? 0));
  const concerning = made.filter((trace) => expected(trace) > 0);
  const endpoints = concerning.filter(({ kind }) => kind === 'endpoint');
  const arrived = concerning.filter(({ count }) => count > 0);
  const seen = arrived.flatMap((trace) => (trace.eventMs === null ? [] : [{ ...trace, eventMs: trace.eventMs }]));
  const bytes = endpoints.filter(({ count }) => count > 0).map((trace) => trace.bytes / trace.count);
  const reached = sum(endpoints.map(({ count }) => count));
  return {
    endpointChanges: made.filter(({ kind }) => kind === 'endpoint').length,
    resourceChanges: made.filter(({ kind }) => kind !== 'endpoint').length,
    incomplete: concerning.filter((trace) =>
      trace.kind === 'endpoint' ? trace.count !== expected(trace) : trace.count === 0,
    ).length,
    unseen: made.filter(({ eventMs }) => eventMs === null).length,
    bytesPerEndpointChange: { ...spreadOf(bytes), mean: sum(endpoints.map((trace) => trace.bytes)) / reached },
    firstMs: spreadOf(seen.map(({ firstMs, eventMs }) => firstMs - eventMs)),
    lastMs: spreadOf(seen.map(({ lastMs, eventMs }) => lastMs - eventMs)),
    apiServerMs: spreadOf(made.flatMap(({ eventMs, sentMs }) => (eventMs === null ? [] : [eventMs - sentMs]))),
  };
}

function useOf(before: Reading, after: Reading, peak: Peak): Pick<WindowFigures, 'operators'> {
  const overMs = after.atMs - before.atMs;
  const coresEach = after.operators.map((use, at) => (use.cpuMs - before.operators[at]!.cpuMs) / overMs);
  const heap = {
    usedBytes: gaugeOf(after.metrics, 'nodejs_heap_size_used_bytes'),
    totalBytes: gaugeOf(after.metrics, 'nodejs_heap_size_total_bytes'),
    externalBytes: gaugeOf(after.metrics, 'nodejs_external_memory_bytes'),
  };
  return { operators: { cores: sum(coresEach), coresEach, ...peak, heap } };
}

function machineOf(
  before: Reading,
  after: Reading,
  {
    figures,
    lag,
    othersShare,
  }: { figures: Figures; lag: ReturnType<typeof monitorEventLoopDelay>; othersShare: number },
): WindowFigures['machine'] {
  const overMs = after.atMs - before.atMs;
  return {
    apiServerCores: (after.apiServerMs - before.apiServerMs) / overMs,
    etcdCores: (after.etcdMs - before.etcdMs) / overMs,
    proxiesCores: figures.cpuMs / (overMs + TAIL_MS),
    harnessCores: (after.ownMs - before.ownMs) / overMs,
    othersShare,
    proxiesLagMs: figures.lagMs,
    harnessLagMs: { p99: lag.percentile(99) / NS_PER_MS, max: lag.max / NS_PER_MS },
  };
}
