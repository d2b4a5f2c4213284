import { sum } from './distribution.ts';
import type { RestartFigures, WindowFigures } from './figures.ts';

const KIB = 1_024;
const MIB = KIB * KIB;

/** What the mesh promises at this size. */
export const BARS = {
  /** Of 22; else the machine could not keep up with what is to be measured. */
  changesPerSecond: 21.5,
  cores: 1,
  memoryBytes: 1_024 * MIB,
  bytesPerChange: KIB,
  firstP99Ms: 10,
  lastMs: 250,
  allBackMs: 10_000,
  /** Of what a proxy is sent that has nothing. */
  resumeShare: 0.1,
} as const;

export interface Verdict {
  what: string;
  measured: string;
  bar: string;
  holds: boolean;
}

const decimals = (value: number, digits: number) => value.toFixed(digits);

/** NaN holds nothing. */
const atMost = (value: number, bar: number) => value <= bar;

export function judgeWindow(figures: WindowFigures): Verdict[] {
  const { operators, bytesPerEndpointChange: bytes, firstMs, lastMs } = figures;
  const dropped = sum(Object.values(figures.dropped));
  const troubles = [figures.incomplete, figures.refusedBatches, figures.failedWrites, figures.unseen];
  const perSecond = (figures.endpointChanges + figures.resourceChanges) / figures.seconds;
  return [
    {
      what: 'streams dropped',
      measured: dropped === 0 ? '0' : `${dropped}: ${reasonsText(figures.dropped)}`,
      bar: '0',
      holds: dropped === 0,
    },
    {
      what: 'changes: at their pace, a second',
      measured: decimals(perSecond, 1),
      bar: `≥ ${decimals(BARS.changesPerSecond, 1)}`,
      holds: perSecond >= BARS.changesPerSecond,
    },
    {
      what: 'changes that did not reach everybody, refused batches, failed writes, missing events',
      measured: troubles.join(', '),
      bar: '0, 0, 0, 0',
      holds: sum(troubles) === 0,
    },
    {
      what: 'CPU of all replicas',
      measured: `${decimals(operators.cores, 3)} cores`,
      bar: `≤ ${BARS.cores}`,
      holds: atMost(operators.cores, BARS.cores),
    },
    {
      what: 'memory of all replicas',
      measured: `${decimals(operators.memoryBytes / MIB, 0)} MiB`,
      bar: `≤ ${BARS.memoryBytes / MIB} MiB`,
      holds: atMost(operators.memoryBytes, BARS.memoryBytes),
    },
    {
      what: 'bytes per endpoint change and subscriber, the most',
      measured: `${decimals(bytes.max, 0)} (mean ${decimals(bytes.mean, 0)})`,
      bar: `≤ ${BARS.bytesPerChange}`,
      holds: atMost(bytes.max, BARS.bytesPerChange),
    },
    {
      what: 'watch event → first proxy, p99',
      measured: `${decimals(firstMs.p99, 1)} ms (p50 ${decimals(firstMs.p50, 1)})`,
      bar: `≤ ${BARS.firstP99Ms} ms`,
      holds: atMost(firstMs.p99, BARS.firstP99Ms),
    },
    {
      what: 'watch event → last proxy, the longest',
      measured: `${decimals(lastMs.max, 1)} ms (p50 ${decimals(lastMs.p50, 1)}, p99 ${decimals(lastMs.p99, 1)})`,
      bar: `≤ ${BARS.lastMs} ms`,
      holds: atMost(lastMs.max, BARS.lastMs),
    },
  ];
}

export function judgeRestart(figures: RestartFigures): Verdict[] {
  const { moved, back, allBackMs, fullBytes, resumeBytes } = figures;
  const name = figures.signal === 'SIGTERM' ? 'a replica is restarted' : 'a replica is killed';
  const sinceSignal = `${decimals(figures.sinceSignalMs, 0)} since the signal`;
  return [
    {
      what: `${name}: proxies that are back`,
      measured: `${back} of ${moved}`,
      bar: 'all',
      holds: moved > 0 && back === moved,
    },
    {
      what: `${name}: from the first stream that ends until the last proxy is back`,
      measured: `${decimals(allBackMs, 0)} ms (${sinceSignal})`,
      bar: `≤ ${BARS.allBackMs} ms`,
      holds: atMost(allBackMs, BARS.allBackMs),
    },
    {
      what: `${name}: bytes to a proxy that comes back, mean`,
      measured: `${decimals(resumeBytes, 0)} of ${decimals(fullBytes, 0)}`,
      bar: `≤ ${BARS.resumeShare * 100} %`,
      holds: atMost(resumeBytes, fullBytes * BARS.resumeShare),
    },
  ];
}

function reasonsText(reasons: Readonly<Record<string, number>>): string {
  return Object.entries(reasons)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ');
}
