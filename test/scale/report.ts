import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Table from 'cli-table3';
import type { Spread } from './distribution.ts';
import type { Extrapolation } from './extrapolate.ts';
import type { RestartFigures, WindowFigures } from './figures.ts';
import type { Verdict } from './judge.ts';

const MIB = 1_048_576;

export interface Measured {
  /** `null` where there was no curve. */
  large: Extrapolation | null;
  windows: WindowFigures[];
  restarts: RestartFigures[];
  verdicts: Verdict[];
}

export function writeFigures(path: string, measured: Measured): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(measured, null, 2)}\n`);
}

export function formatVerdicts(verdicts: readonly Verdict[]): string {
  const table = new Table({ head: ['what', 'measured', 'bar', ''], style: { head: [], border: [], compact: true } });
  for (const { what, measured, bar, holds } of verdicts) table.push([what, measured, bar, holds ? 'holds' : 'MISSED']);
  return table.toString();
}

/** Lines of the table of a curve. */
export const CURVE_ROWS: readonly [string, (figures: WindowFigures) => string][] = [
  ['seconds', ({ seconds }) => seconds.toFixed(0)],
  ['changes: endpoints, resources', (of) => `${of.endpointChanges}, ${of.resourceChanges}`],
  [
    'streams dropped',
    ({ dropped }) =>
      Object.entries(dropped)
        .map(([why, count]) => `${count} ${why}`)
        .join(' ') || '0',
  ],
  ['incomplete, refused, failed', (of) => `${of.incomplete}, ${of.refusedBatches}, ${of.failedWrites}`],
  ['replicas: cores', ({ operators }) => each(operators.cores, operators.coresEach, (cores) => cores.toFixed(3))],
  ['replicas: MiB', ({ operators }) => each(operators.memoryBytes, operators.memoryEach, mib)],
  ['  resident', ({ operators }) => mib(operators.residentBytes)],
  [
    '  heap: used, taken; outside',
    ({ operators: { heap: of } }) => [of.usedBytes, of.totalBytes, of.externalBytes].map(mib).join(', '),
  ],
  ['messages, KiB a second', (of) => `${of.messagesPerSecond.toFixed(0)}, ${(of.bytesPerSecond / 1_024).toFixed(0)}`],
  ['bytes per endpoint change', ({ bytesPerEndpointChange: of }) => `${of.mean.toFixed(0)}, max ${of.max.toFixed(0)}`],
  ['event → first proxy, ms', ({ firstMs }) => spread(firstMs)],
  ['event → last proxy, ms', ({ lastMs }) => spread(lastMs)],
  ['PATCH → event, ms', ({ apiServerMs }) => spread(apiServerMs)],
  ['own: → socket, → ack, p99 ≤ ms', ({ own }) => `${own.writeP99Ms}, ${own.acknowledgedP99Ms}`],
  ['cores: API server, etcd', ({ machine }) => `${machine.apiServerCores.toFixed(2)}, ${machine.etcdCores.toFixed(2)}`],
  ['cores: proxies, harness', ({ machine: of }) => `${of.proxiesCores.toFixed(2)}, ${of.harnessCores.toFixed(2)}`],
  ['others', ({ machine }) => `${(machine.othersShare * 100).toFixed(0)} %`],
  [
    'late: proxies, p99 and max ms',
    ({ machine: { proxiesLagMs: of } }) => `${of.p99.toFixed(1)}, ${of.max.toFixed(0)}`,
  ],
  [
    'late: harness, p99 and max ms',
    ({ machine: { harnessLagMs: of } }) => `${of.p99.toFixed(1)}, ${of.max.toFixed(0)}`,
  ],
];

/** A column for each number of proxies. */
export function formatCurve(windows: readonly WindowFigures[]): string {
  const table = new Table({
    head: ['proxies', ...windows.map(({ proxies }) => String(proxies))],
    style: { head: [], border: [], compact: true },
  });
  for (const [what, of] of CURVE_ROWS) table.push([what, ...windows.map(of)]);
  return table.toString();
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}

function each(all: number, parts: readonly number[], text: (value: number) => string): string {
  return `${text(all)} (${parts.map(text).join(', ')})`;
}

function spread({ p50, p99, max }: Spread): string {
  return [p50, p99, max].map((value) => value.toFixed(1)).join(', ');
}
