import { COUNTER } from './counters.ts';
import type { SeriesLabels } from './labels.ts';

/**
 * Live numbers: messages of the configuration stream (`../messages.ts`) by which a proxy tells what passed through it. A proxy reports only while the operator
 * asks, and in no newer version than the operator asks for. A side of before ignores the message of the other, as any type that it does not know.
 */
export const TRAFFIC_VERSION = 1;

/** From the operator, at any time: from now on report at this interval. */
export interface TrafficRequest {
  type: 'reportTraffic';
  /** The newest version that the operator reads. */
  version: number;
  /** 0 = not at all. */
  everyMs: number;
}

export const TRAFFIC_INTERVAL_MS = {
  /** Nobody looks. */
  usual: 10_000,
  /** Somebody does. */
  watched: 1_000,
  /** No proxy reports more often, whatever it is asked. */
  least: 500,
  most: 60_000,
} as const;

/**
 * What has changed since the report before. Nothing has: no report. Numbers of series and of counters that the reader does not know are left out by it, and so
 * are unknown fields. Times are lengths of time, never of a clock: what the clocks of two nodes say does not matter.
 */
export interface TrafficReport {
  type: 'traffic';
  version: number;
  /** Made up by the proxy when it starts: another one says that it has started anew. */
  run: string;
  /** From 1 up by 1 in a run, on whatever stream. One that a broken stream may have swallowed is sent again under its number. */
  seq: number;
  /** How long it was counted for. */
  overMs: number;
  /** How long ago that ended when the report was sent; 0 but for one that is sent again. */
  agoMs: number;
  /**
   * What numbers of series stand for from here on, on this stream: declared before or with the first count. A number that is declared again stands for another
   * series from then on; `null` = for none any more.
   */
  declared: [series: number, labels: SeriesLabels | null][];
  /**
   * For each series that has changed: its number, then pairs of a counter's number (`COUNTER`, `FIRST_BUCKET`) and by how much it grew; of `open` what it is
   * now. The first report of a stream says `open` of every series that has any.
   */
  changed: number[][];
}

/** Series that a proxy may have declared at a time, those for overflow included. A workload that calls 100 others by two routes each has about 300. */
export const MAX_SERIES = 512;
/** Pairs of a changed series that are looked at; there is room for counters to come. */
export const MAX_COUNTERS = 64;
/** Longest text that names a run. */
export const MAX_RUN_LENGTH = 64;
/** More requests than anything can carry in one report. */
export const MAX_COUNT: number = 2 ** 32 - 1;
/** Octets that 100 Gbit/s carry in six hours. */
export const MAX_BYTES: number = 2 ** 48;

/** By how much a counter may have grown in one report. */
export function mostOf(counter: number): number {
  return counter === COUNTER.readBytes || counter === COUNTER.writtenBytes ? MAX_BYTES : MAX_COUNT;
}

/** Longer than anybody looks back. */
export const MAX_AGE_MS: number = 24 * 60 * 60 * 1000;
