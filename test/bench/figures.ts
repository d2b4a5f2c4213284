/** Names of ours in samples; every other name is a rival, or something that ours is set beside. */
export const OURS = 'weft';
/** Our proxy as an earlier commit has it (`--before`). */
export const BEFORE = 'weft-before';
/** So much dearer than before, a change may be: about what two runs of the same bundle differ by. */
const DEARER = 1.03;

/**
 * What a median must keep: a multiple of another one of the same run, a fixed limit in the measurement's unit, so much more than another one of the same run, or one
 * of several such.
 */
export type Bar =
  | { kind: 'ratio'; rival: string; limit: number }
  | { kind: 'limit'; limit: number }
  | { kind: 'above'; rival: string; limit: number }
  | { kind: 'either'; of: readonly Bar[] };

export function times(limit: number, rival: string): Bar {
  return { kind: 'ratio', rival, limit };
}

export function limit(value: number): Bar {
  return { kind: 'limit', limit: value };
}

/** @param value in the measurement's unit */
export function above(value: number, rival: string): Bar {
  return { kind: 'above', rival, limit: value };
}

export function either(...of: Bar[]): Bar {
  return { kind: 'either', of };
}

/** One line of the report: for every contender one value per round, rounds in the same order. */
export interface Measurement {
  /** P1, P2, …: the row of the list of goals in docs/performance.md. */
  row: string;
  what: string;
  unit: string;
  /** Bars are upper limits where less is better, lower ones otherwise. Without it, less is better. */
  better?: 'lower' | 'higher';
  samples: Readonly<Record<string, readonly number[]>>;
  /** Whom the first ratio is taken to; `null` = no ratio. */
  rival: string | null;
  bars: readonly Bar[];
  /** What we would like on top of the bars. */
  stretch: Bar | null;
}

/** One entry of build/bench.json. */
export interface Figure {
  row: string;
  what: string;
  unit: string;
  better: 'lower' | 'higher';
  /** Median of the rounds; `null` when ours did not take part. */
  ours: number | null;
  rivals: Record<string, number>;
  /** To the first rival. Median over the rounds of ours / rival: host speed, which drifts between rounds, cancels out. */
  ratio: number | null;
  /** To everyone else who took part. */
  ratios: Record<string, number>;
  bar: string | null;
  /** False when there is a bar and it is missed (or could not be judged). */
  holds: boolean;
  stretch: string | null;
  /** `null` = none, or it could not be judged. */
  stretchReached: boolean | null;
}

/** Adds the bar that holds ours against an earlier commit, where both took part in something that has a bar. */
export function againstBefore(measurement: Measurement): Measurement {
  const { samples, bars } = measurement;
  if (bars.length === 0 || samples[OURS] === undefined || samples[BEFORE] === undefined) return measurement;
  const bound = isHigherBetter(measurement) ? 1 / DEARER : DEARER;
  return { ...measurement, bars: [...bars, times(Number(bound.toFixed(3)), BEFORE)] };
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

export function describeBar(bar: Bar, measurement: Measurement): string {
  const sign = isHigherBetter(measurement) ? '>=' : '<=';
  if (bar.kind === 'either') return bar.of.map((each) => describeBar(each, measurement)).join(' or ');
  if (bar.kind === 'above') return `${sign} ${bar.rival} + ${bar.limit} ${measurement.unit}`;
  return `${sign} ${bar.limit} ${bar.kind === 'limit' ? measurement.unit : `x ${bar.rival}`}`;
}

/** `null` = it cannot be told, because ours or the rival has no figure. */
export function keepsBar(bar: Bar, measurement: Measurement): boolean | null {
  if (bar.kind === 'either') {
    const kept = bar.of.map((each) => keepsBar(each, measurement));
    return kept.includes(true) ? true : kept.includes(null) ? null : false;
  }
  const value = judged(bar, measurement);
  if (value === null || Number.isNaN(value)) return null;
  return isHigherBetter(measurement) ? value >= bar.limit : value <= bar.limit;
}

function judged(bar: Exclude<Bar, { kind: 'either' }>, measurement: Measurement): number | null {
  if (bar.kind === 'ratio') return ratioTo(measurement, bar.rival);
  const ours = oursOf(measurement);
  if (bar.kind === 'limit' || ours === null) return ours;
  const beside = measurement.samples[bar.rival] ?? [];
  return beside.length === 0 ? null : ours - median(beside);
}

export function figureOf(measurement: Measurement): Figure {
  const { row, what, unit, samples, rival, bars, stretch } = measurement;
  const others = Object.entries(samples).filter(([name]) => name !== OURS);
  const ours = oursOf(measurement);
  const ratio = rival === null ? null : ratioTo(measurement, rival);
  const ratios = others.flatMap(([name]): [string, number][] => {
    const value = ratioTo(measurement, name);
    return value === null ? [] : [[name, round(value)]];
  });
  return {
    row,
    what,
    unit,
    better: measurement.better ?? 'lower',
    ours: ours === null ? null : round(ours),
    rivals: Object.fromEntries(others.map(([name, values]) => [name, round(median(values))])),
    ratio: ratio === null ? null : round(ratio),
    ratios: Object.fromEntries(ratios),
    bar: bars.length === 0 ? null : bars.map((bar) => describeBar(bar, measurement)).join(', '),
    holds: bars.every((bar) => keepsBar(bar, measurement) === true),
    stretch: stretch === null ? null : describeBar(stretch, measurement),
    stretchReached: stretch === null ? null : keepsBar(stretch, measurement),
  };
}

/** The worst round of each contender, as an entry of its own without a bar. */
export function worstFigureOf(measurement: Measurement): Figure | null {
  const { samples } = measurement;
  if (Object.values(samples).every((values) => values.length < 2)) return null;
  const worst = Object.entries(samples).map(([name, values]) => [name, [worstOf(measurement, values)]]);
  return figureOf({
    ...measurement,
    what: `${measurement.what}, worst round`,
    samples: Object.fromEntries(worst),
    bars: [],
    stretch: null,
  });
}

export function worstOf(measurement: Measurement, values: readonly number[]): number {
  return isHigherBetter(measurement) ? Math.min(...values) : Math.max(...values);
}

/** Median over the rounds of ours / rival in the same round; `null` where there is none. */
export function ratioTo({ samples }: Measurement, rival: string): number | null {
  const own = samples[OURS];
  const other = samples[rival];
  if (own === undefined || other === undefined) return null;
  const rounds = own.slice(0, other.length).map((value, index) => ({ value, beside: other[index]! }));
  // A difference to a base (latency added) can come out at nothing or below on a noisy machine: there is no ratio to it.
  const ratios = rounds
    .filter(({ value, beside }) => value > 0 && beside > 0)
    .map(({ value, beside }) => value / beside);
  return ratios.length === 0 ? null : median(ratios);
}

function oursOf({ samples }: Measurement): number | null {
  const own = samples[OURS];
  return own === undefined || own.length === 0 ? null : median(own);
}

function isHigherBetter({ better }: Measurement): boolean {
  return better === 'higher';
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
