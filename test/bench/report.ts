import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Table from 'cli-table3';
import {
  type Bar,
  BEFORE,
  describeBar,
  type Figure,
  figureOf,
  keepsBar,
  type Measurement,
  median,
  OURS,
  ratioTo,
  worstFigureOf,
  worstOf,
} from './figures.ts';
import { CONTENDERS } from './options.ts';

const RIVALS: readonly string[] = [BEFORE, ...CONTENDERS.filter((name) => name !== OURS)];

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

/** Median and, in brackets, the worst round of every contender; what only one row has stands in the column `beside`. */
export function formatTable(measurements: readonly Measurement[]): string {
  const names = new Set(measurements.flatMap(({ samples }) => Object.keys(samples)));
  const rivals = RIVALS.filter((name) => names.has(name));
  const table = new Table({
    head: ['row', 'what', 'unit', OURS, ...rivals, 'beside', 'ratio', 'bar', 'stretch'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'left', 'left', 'right', ...rivals.map(() => 'right' as const), 'left', 'left', 'left', 'left'],
  });
  for (const measurement of measurements) table.push(tableRow(measurement, rivals));
  return table.toString();
}

function tableRow(measurement: Measurement, rivals: readonly string[]): string[] {
  const { row, what, unit, samples, bars, stretch } = measurement;
  const beside = Object.keys(samples).filter((name) => name !== OURS && !RIVALS.includes(name));
  return [
    row,
    what,
    unit,
    ...[OURS, ...rivals].map((name) => cell(measurement, name)),
    beside.map((name) => `${name}: ${cell(measurement, name)}`).join('\n'),
    ratios(measurement).join('\n'),
    bars.map((bar) => verdict(bar, measurement, 'holds', 'MISSED')).join('\n'),
    stretch === null ? '' : verdict(stretch, measurement, 'reached', 'not reached'),
  ];
}

/** To the first rival, and to everyone whom a bar names. */
function ratios(measurement: Measurement): string[] {
  const { rival, bars, stretch } = measurement;
  const named = [...bars, ...(stretch === null ? [] : [stretch])].flatMap((bar) =>
    bar.kind === 'ratio' ? [bar.rival] : [],
  );
  return [...new Set([...(rival === null ? [] : [rival]), ...named])].flatMap((name) => {
    const ratio = ratioTo(measurement, name);
    return ratio === null ? [] : [`${ratio.toFixed(2)} x ${name}`];
  });
}

function verdict(bar: Bar, measurement: Measurement, yes: string, no: string): string {
  const keeps = keepsBar(bar, measurement);
  return `${describeBar(bar, measurement)}: ${keeps === null ? 'not judged' : keeps ? yes : no}`;
}

function cell(measurement: Measurement, name: string): string {
  const values = measurement.samples[name];
  if (values === undefined || values.length === 0) return '';
  const middle = formatNumber(median(values));
  return values.length === 1 ? middle : `${middle} (${formatNumber(worstOf(measurement, values))})`;
}

function formatNumber(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
