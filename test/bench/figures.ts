/** Everything measured here is better when it is lower. */
export const OURS = 'weft';

/** What a median must not exceed: a multiple of a rival of the same run, or a fixed limit in the measurement's unit. */
export type Bar = { kind: 'ratio'; rival: string; max: number } | { kind: 'limit'; max: number };

/** One line of the report: for every contender one value per round, rounds in the same order. */
export interface Measurement {
  /** P1, P2, …: the row of the list of goals in docs/performance.md. */
  row: string;
  what: string;
  unit: string;
  samples: Readonly<Record<string, readonly number[]>>;
  /** Whom the ratio is taken to; `null` = no ratio. */
  rival: string | null;
  bar: Bar | null;
}

/** One entry of build/bench.json. */
export interface Figure {
  row: string;
  what: string;
  unit: string;
  /** Median of the rounds; `null` when ours did not take part. */
  ours: number | null;
  rivals: Record<string, number>;
  /** Median over the rounds of ours / rival: host speed, which drifts between rounds, cancels out. */
  ratio: number | null;
  bar: string | null;
  /** False when there is a bar and it is missed (or could not be judged). */
  holds: boolean;
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Nearest-rank with interpolation between neighbours; `sorted` ascending; NaN when empty. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

export function describeBar(bar: Bar | null, unit: string): string | null {
  if (bar === null) return null;
  return bar.kind === 'limit' ? `<= ${bar.max} ${unit}` : `<= ${bar.max} x ${bar.rival}`;
}

export function figureOf(measurement: Measurement): Figure {
  const { row, what, unit, samples, bar } = measurement;
  const { [OURS]: own, ...others } = samples;
  const ours = own === undefined ? null : median(own);
  const ratio = own === undefined ? null : ratioTo(own, samples[measurement.rival ?? '']);
  return {
    row,
    what,
    unit,
    ours: ours === null ? null : round(ours),
    rivals: Object.fromEntries(Object.entries(others).map(([name, values]) => [name, round(median(values))])),
    ratio: ratio === null ? null : round(ratio),
    bar: describeBar(bar, unit),
    holds: bar === null || judge(bar, ours, ratio),
  };
}

/** The slowest round of each contender, as an entry of its own without a bar. */
export function worstFigureOf(measurement: Measurement): Figure | null {
  const { samples } = measurement;
  if (Object.values(samples).every((values) => values.length < 2)) return null;
  const worst = Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, [Math.max(...values)]]));
  return figureOf({ ...measurement, what: `${measurement.what}, worst round`, samples: worst, bar: null });
}

function ratioTo(own: readonly number[], rival: readonly number[] | undefined): number | null {
  if (rival === undefined) return null;
  const rounds = own.slice(0, rival.length).map((value, index) => ({ value, beside: rival[index]! }));
  // A difference to a base (latency added) can come out at nothing or below on a noisy machine: there is no ratio to it.
  const ratios = rounds
    .filter(({ value, beside }) => value > 0 && beside > 0)
    .map(({ value, beside }) => value / beside);
  return ratios.length === 0 ? null : median(ratios);
}

/** A bar that could not be judged does not hold. */
function judge(bar: Bar, ours: number | null, ratio: number | null): boolean {
  const value = bar.kind === 'limit' ? ours : ratio;
  return value !== null && value <= bar.max;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
