import type { Extrapolation } from './extrapolate.ts';
import { CURVE_ROWS, type Measured } from './report.ts';

/** What `docs/performance.md` has of a run, to be put there. */
export function formatMarkdown({ windows, verdicts, large }: Measured): string {
  const curve = CURVE_ROWS.map(([what, of]) => [what.trim(), ...windows.map(of)]);
  const parts = [
    table(
      ['what', 'measured', 'bar'],
      verdicts.map(({ what, measured, bar, holds }) => [what, measured, holds ? bar : `${bar} **missed**`]),
    ),
    table(['proxies', ...windows.map(({ proxies }) => proxies.toLocaleString('en'))], curve),
    ...(large === null ? [] : [largeText(large)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function largeText(of: Extrapolation): string {
  const first = of.replicasForMemory >= of.replicasForCpu ? 'memory' : 'CPU';
  return (
    `Straight lines through these points: a replica takes ${of.replicaMib.toFixed(0)} MiB before any proxy, a proxy ${of.proxyKib.toFixed(0)} KiB and, with its share of ` +
    `the changes, ${of.messageUs.toFixed(0)} µs for each message and its acknowledgement. For ${of.proxies.toLocaleString('en')} proxies and as many changes a second that comes to ` +
    `${of.memoryMib.toFixed(0)} MiB and ${of.cores.toFixed(1)} cores in three replicas. ${first === 'memory' ? 'Memory' : 'CPU'} is the first limit: ${of.replicasForMemory} replicas for ` +
    `the memory (1 GiB each), ${of.replicasForCpu} for the CPU (JavaScript runs on one core, of which 0.7 is used).`
  );
}
