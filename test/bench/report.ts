import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Table from 'cli-table3';
import { describeBar, type Figure, figureOf, type Measurement, median, OURS, worstFigureOf } from './figures.ts';

/** Medians, each followed by its worst round where there is more than one. */
export function figures(measurements: readonly Measurement[]): Figure[] {
  return measurements.flatMap((measurement) => {
    const worst = worstFigureOf(measurement);
    return worst === null ? [figureOf(measurement)] : [figureOf(measurement), worst];
  });
}

export function writeFigures(path: string, measurements: readonly Measurement[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(figures(measurements), null, 2)}\n`);
}

/** Median and, in brackets, the worst round of every contender. */
export function formatTable(measurements: readonly Measurement[]): string {
  const rivals = [...new Set(measurements.flatMap(({ samples }) => Object.keys(samples)))].filter((n) => n !== OURS);
  const table = new Table({
    head: ['row', 'what', 'unit', OURS, ...rivals, 'ratio', 'bar', ''],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'left', 'left', 'right', ...rivals.map(() => 'right' as const), 'right', 'left', 'left'],
  });
  for (const measurement of measurements) table.push(tableRow(measurement, rivals));
  return table.toString();
}

function tableRow(measurement: Measurement, rivals: readonly string[]): string[] {
  const figure = figureOf(measurement);
  const ratio = figure.ratio === null ? '' : `${figure.ratio.toFixed(2)} x ${measurement.rival}`;
  return [
    figure.row,
    figure.what,
    figure.unit,
    ...[OURS, ...rivals].map((name) => cell(measurement.samples[name])),
    ratio,
    describeBar(measurement.bar, measurement.unit) ?? '',
    measurement.bar === null ? '' : figure.holds ? 'holds' : 'MISSED',
  ];
}

function cell(values: readonly number[] | undefined): string {
  if (values === undefined || values.length === 0) return '';
  const middle = formatNumber(median(values));
  return values.length === 1 ? middle : `${middle} (${formatNumber(Math.max(...values))})`;
}

function formatNumber(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
