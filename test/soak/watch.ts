import { readdirSync, readFileSync } from 'node:fs';

/** Of one proxy at one time. */
export interface Sample {
  atSeconds: number;
  anonymousKib: number;
  residentKib: number;
  handles: number;
  /** CPU time since its start. */
  cpuSeconds: number;
}

const TICKS_PER_SECOND = 100;

export function sampleOf(pid: number, atSeconds: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  // Behind the name, which may contain anything: field 14 and 15 are the ticks in user and kernel mode.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return {
    atSeconds,
    anonymousKib: kib('RssAnon'),
    residentKib: kib('VmRSS'),
    handles: readdirSync(`/proc/${pid}/fd`).length,
    cpuSeconds: (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND,
  };
}

export interface Trend {
  /** Medians of the second and the last quarter. */
  second: number;
  last: number;
  ratio: number;
  flat: boolean;
}

/** What may be added from the second quarter to the last; and of handles two more, because a connection is not a fraction of one. */
const GROWTH = 1.05;
const HANDLES_MORE = 2;

export interface Verdict {
  memory: Trend;
  handles: Trend;
}

export function judge(samples: readonly Sample[]): Verdict {
  return {
    memory: trend(
      samples.map(({ anonymousKib }) => anonymousKib),
      0,
    ),
    handles: trend(
      samples.map(({ handles }) => handles),
      HANDLES_MORE,
    ),
  };
}

function trend(values: readonly number[], more: number): Trend {
  const quarter = values.length / 4;
  const second = median(values.slice(Math.floor(quarter), Math.floor(2 * quarter)));
  const last = median(values.slice(Math.floor(3 * quarter)));
  return { second, last, ratio: last / second, flat: last <= second * GROWTH + more };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
