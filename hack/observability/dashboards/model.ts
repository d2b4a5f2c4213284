/** A dashboard as it is thought of: rows of panels, each with its queries. `render.ts` makes Grafana's JSON of it. */

/** Grafana's ids of units. */
export type Unit = 'percentunit' | 'reqps' | 'ms' | 's' | 'Bps' | 'bytes' | 'short' | 'ops' | 'none';

export interface Query {
  /** PromQL; `$name` of the dashboard's variables, and `$__rate_interval`. */
  expr: string;
  /** Of a series, with labels as `{{label}}`. */
  legend: string;
}

export interface Panel {
  title: string;
  /** What it shows and how it is read, in a sentence. */
  description: string;
  /** `stat`: the last value in large; `table`: the last values, a row for each series. */
  kind: 'timeseries' | 'stat' | 'table';
  unit: Unit;
  /** Of 24. */
  width: number;
  queries: readonly Query[];
}

export interface Row {
  title: string;
  panels: readonly Panel[];
}

export interface Variable {
  name: string;
  label: string;
  /** The values of `of` among the series that `series` selects. */
  of: string;
  series: string;
}

export interface Dashboard {
  /** Also the name of the file, after `weft-`. */
  name: string;
  title: string;
  description: string;
  variables: readonly Variable[];
  rows: readonly Row[];
}
