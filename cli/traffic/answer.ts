import type { Dimension } from '../../crds/viz/dimensions.ts';
import type { CounterName } from '../../crds/viz/rates.ts';
import type { TrafficItem } from '../../crds/viz/traffic-list.ts';
import { isObject } from '../../lib/json.ts';
import { COUNTER } from '../../proxy-image/contract/traffic/counters.ts';
import { CliError } from '../errors.ts';

/** What was answered, as far as it can be used: a control plane of another version may say less, or more. */
export interface Answer {
  items: readonly Item[];
  /** Replicas whose proxies' part is missing. */
  missing: readonly string[];
}

export interface Item extends Omit<TrafficItem, 'labels'> {
  /** What the item is of, in the dimensions that were asked for. */
  label(dimension: Dimension): string;
}

const COUNTERS = Object.keys(COUNTER) as CounterName[];

/** @throws CliError WEFT_CLI_LIVE_NUMBERS: it is something else */
export function readAnswer(raw: unknown): Answer {
  if (!isObject(raw) || raw['kind'] !== 'TrafficList' || !Array.isArray(raw['items'])) {
    throw new CliError('WEFT_CLI_LIVE_NUMBERS', 'what answers sends no TrafficList');
  }
  const by = textsOf(raw['by']);
  return {
    items: (raw['items'] as unknown[]).flatMap((item) => readItem(item, by) ?? []),
    missing: textsOf(raw['missing']),
  };
}

function readItem(raw: unknown, by: readonly string[]): Item | null {
  if (!isObject(raw)) return null;
  const labels = textsOf(raw['labels']);
  if (labels.length !== by.length) return null;
  const latency = isObject(raw['latencyMs']) ? raw['latencyMs'] : {};
  const counts = isObject(raw['counts']) ? raw['counts'] : {};
  return {
    label: (dimension) => labels[by.indexOf(dimension)] ?? '',
    proxies: countOf(raw['proxies']),
    seconds: countOf(raw['seconds']),
    counts: Object.fromEntries(COUNTERS.map((name) => [name, countOf(counts[name])])) as Item['counts'],
    latencyMs: { p50: msOf(latency['p50']), p95: msOf(latency['p95']), p99: msOf(latency['p99']) },
  };
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map((each) => (typeof each === 'string' ? each : '')) : [];
}

function countOf(value: unknown): number {
  return msOf(value) ?? 0;
}

function msOf(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : null;
}
