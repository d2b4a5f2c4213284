import { isObject } from '../../../lib/json.ts';
import { COUNTERS } from './counters.ts';
import {
  COUNTED,
  DIRECTIONS,
  isLabelText,
  MAX_LABEL_LENGTH,
  OVERFLOW_SERIES,
  type SeriesLabels,
  TRAFFIC_LABELS,
  type TrafficLabel,
} from './labels.ts';
import {
  MAX_AGE_MS,
  MAX_COUNTERS,
  MAX_RUN_LENGTH,
  MAX_SERIES,
  mostOf,
  TRAFFIC_INTERVAL_MS,
  TRAFFIC_VERSION,
  type TrafficReport,
  type TrafficRequest,
} from './report.ts';

/** A report names so many problems; a message of 4 MB can hold a million. */
const MAX_PROBLEMS = 20;
/** Every number may be withdrawn and stand for another series at once. */
const MAX_DECLARED: number = 2 * MAX_SERIES;
/** The number of a series and its pairs. */
const LONGEST_CHANGE = 1 + 2 * MAX_COUNTERS;

type Fields = Readonly<Record<string, unknown>>;

/** `report` is null when there is none to go by: a problem says why, or it is of a newer version and there is no problem. */
export interface CheckedTraffic {
  report: TrafficReport | null;
  /** What was left out of it, each with its path. */
  problems: string[];
}

/** Reads what the operator receives, which is hostile like all that comes from a network. What is wrong is left out and named; the rest counts. */
export function checkTrafficReport(value: unknown): CheckedTraffic {
  const problems = new Problems();
  const report = isObject(value) ? readReport(value, problems) : problems.none('expected an object');
  return { report, problems: problems.problems };
}

class Problems {
  readonly problems: string[] = [];

  add(problem: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }

  none(problem: string): null {
    this.add(problem);
    return null;
  }
}

function readReport(fields: Fields, problems: Problems): TrafficReport | null {
  const { type, version, run, seq, overMs, agoMs, declared, changed } = fields;
  if (type !== 'traffic') return problems.none('type: expected traffic');
  if (!isWithin(version, 1, Number.MAX_SAFE_INTEGER)) return problems.none('version: expected an integer from 1 up');
  if (version > TRAFFIC_VERSION) return null;
  if (typeof run !== 'string' || run === '' || run.length > MAX_RUN_LENGTH) {
    return problems.none(`run: expected a text of at most ${MAX_RUN_LENGTH}`);
  }
  if (!isWithin(seq, 1, Number.MAX_SAFE_INTEGER)) return problems.none('seq: expected an integer from 1 up');
  if (!isWithin(overMs, 0, MAX_AGE_MS)) return problems.none(`overMs: expected milliseconds up to ${MAX_AGE_MS}`);
  if (!isWithin(agoMs, 0, MAX_AGE_MS)) return problems.none(`agoMs: expected milliseconds up to ${MAX_AGE_MS}`);
  return {
    type,
    version,
    run,
    seq,
    overMs,
    agoMs,
    declared: readList(declared, 'declared', MAX_DECLARED, problems, readDeclaration),
    changed: readList(changed, 'changed', MAX_SERIES, problems, readChange),
  };
}

/** The items that can be used. Of a list that is too long the first, which are as good as the others. */
function readList<T>(
  value: unknown,
  path: string,
  most: number,
  problems: Problems,
  read: (item: unknown, path: string, problems: Problems) => T | null,
): T[] {
  if (!Array.isArray(value)) {
    problems.add(`${path}: expected a list`);
    return [];
  }
  if (value.length > most) problems.add(`${path}: ${value.length} items, ${most} are looked at`);
  const items: T[] = [];
  for (let at = 0; at < Math.min(value.length, most); at++) {
    const item = read(value[at], `${path}[${at}]`, problems);
    if (item !== null) items.push(item);
  }
  return items;
}

function readDeclaration(
  value: unknown,
  path: string,
  problems: Problems,
): [series: number, labels: SeriesLabels | null] | null {
  if (!Array.isArray(value)) return problems.none(`${path}: expected a number and labels`);
  const [series, labels]: unknown[] = value;
  if (!isWithin(series, OVERFLOW_SERIES.length, MAX_SERIES - 1)) {
    return problems.none(`${path}: expected a number from ${OVERFLOW_SERIES.length} to ${MAX_SERIES - 1}`);
  }
  if (labels === null) return [series, null];
  if (!isObject(labels)) return problems.none(`${path}: expected labels`);
  const read = readLabels(labels, path, problems);
  return read === null ? null : [series, read];
}

function readLabels(labels: Fields, path: string, problems: Problems): SeriesLabels | null {
  const direction = DIRECTIONS.find((known) => known === labels['direction']);
  const counted = COUNTED.find((known) => known === labels['counted']);
  if (direction === undefined) return problems.none(`${path}.direction: expected ${DIRECTIONS.join(', ')}`);
  if (counted === undefined) return problems.none(`${path}.counted: expected ${COUNTED.join(', ')}`);
  const read: Partial<Record<TrafficLabel, string>> = {};
  for (const name of TRAFFIC_LABELS) {
    const text = labels[name];
    if (text === undefined || text === '') continue;
    if (!isLabelText(text)) {
      return problems.none(`${path}.${name}: expected a text of at most ${MAX_LABEL_LENGTH} without controls`);
    }
    read[name] = text;
  }
  return { ...read, direction, counted };
}

/** The same array where all of it can be used, as nearly always. */
function readChange(value: unknown, path: string, problems: Problems): number[] | null {
  if (!Array.isArray(value)) return problems.none(`${path}: expected a list`);
  return isChange(value) ? value : usablePart(value, path, problems);
}

function isChange(list: unknown[]): list is number[] {
  if (list.length > LONGEST_CHANGE || !isWithin(list[0], 0, MAX_SERIES - 1)) return false;
  for (let at = 1; at < list.length; at += 2) {
    if (!isPair(list[at], list[at + 1])) return false;
  }
  return true;
}

function isPair(counter: unknown, value: unknown): boolean {
  return isWithin(counter, 0, COUNTERS - 1) && isWithin(value, 0, mostOf(counter));
}

function usablePart(list: readonly unknown[], path: string, problems: Problems): number[] | null {
  const [series] = list;
  if (!isWithin(series, 0, MAX_SERIES - 1)) {
    return problems.none(`${path}: expected the number of a series, below ${MAX_SERIES}`);
  }
  if (list.length > LONGEST_CHANGE) problems.add(`${path}: ${MAX_COUNTERS} pairs are looked at`);
  const usable: unknown[] = [series];
  for (let at = 1; at < Math.min(list.length, LONGEST_CHANGE); at += 2) {
    const [counter, count] = [list[at], list[at + 1]];
    if (isPair(counter, count)) usable.push(counter, count);
    // A counter of a newer revision is no problem.
    else if (!isWithin(counter, COUNTERS, Number.MAX_SAFE_INTEGER)) {
      problems.add(`${path}[${at}]: expected the number of a counter and what it has grown by`);
    }
  }
  return isChange(usable) ? usable : null;
}

/** What a proxy receives. `null`: it is none, or cannot be followed. An interval is brought within bounds. */
export function readTrafficRequest(value: unknown): TrafficRequest | null {
  if (!isObject(value) || value['type'] !== 'reportTraffic') return null;
  const { version, everyMs } = value;
  if (!isWithin(version, 1, Number.MAX_SAFE_INTEGER) || !isWithin(everyMs, 0, Number.MAX_SAFE_INTEGER)) return null;
  const { least, most } = TRAFFIC_INTERVAL_MS;
  return {
    type: 'reportTraffic',
    version,
    everyMs: everyMs === 0 ? 0 : Math.min(Math.max(everyMs, least), most),
  };
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}
