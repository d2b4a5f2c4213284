import { type CounterName, endedOf, perSecond, successRateOf } from '../../crds/viz/rates.ts';
import type { Column } from '../output/table.ts';
import type { Item } from './answer.ts';

/** What is known of one row: of its requests (attempts), and of its connections. `null`: nothing has counted. */
export interface Figures {
  requests: Item | null;
  connections: Item | null;
}

export const NO_FIGURES: Figures = { requests: null, connections: null };

/** `null` where nothing has ended: policy may have denied all there was. */
export function ended({ requests }: Figures): Item | null {
  return requests === null || endedOf(requests.counts) === 0 ? null : requests;
}

/** 0 to 1. */
export function successOf(figures: Figures): number | null {
  const item = ended(figures);
  return item === null ? null : successRateOf(item.counts);
}

/** Requests a second. */
export function rpsOf(figures: Figures): number | null {
  const item = ended(figures);
  return item === null ? null : perSecond(endedOf(item.counts), item.seconds);
}

/** Attempts that requests took: each but the last of a request has failed, or there would have been no other. */
function attemptsOf(item: Item): number {
  return endedOf(item.counts) + item.counts.retries;
}

/** Of attempts, 0 to 1. */
export function actualSuccessOf(figures: Figures): number | null {
  const item = ended(figures);
  return item === null ? null : item.counts.success / attemptsOf(item);
}

/** Attempts a second. */
export function actualRpsOf(figures: Figures): number | null {
  const item = ended(figures);
  return item === null ? null : perSecond(attemptsOf(item), item.seconds);
}

/** Of all attempts, the share that was not the first of its request. */
export function retriesOf(figures: Figures): number | null {
  const item = ended(figures);
  return item === null ? null : item.counts.retries / attemptsOf(item);
}

/** How often a second something was counted. */
export function rateOf(item: Item | null, counter: CounterName): number | null {
  return item === null ? null : perSecond(item.counts[counter], item.seconds);
}

/** Whole milliseconds, as Linkerd has them, and never fewer than it was. */
export function latencyOf({ requests }: Figures, quantile: keyof Item['latencyMs']): number | null {
  const ms = requests?.latencyMs[quantile] ?? null;
  return ms === null ? null : Math.ceil(ms);
}

/** Linkerd's for what there is no number of. */
export const NONE = '-';

/** `99.99%`: cut and not rounded, so that `100.00%` says that none has failed. */
export function percent(share: number | null): string {
  return share === null ? NONE : `${(Math.floor(share * 10_000 + 1e-7) / 100).toFixed(2)}%`;
}

export function rps(rate: number | null): string {
  return rate === null ? NONE : `${rate.toFixed(1)}rps`;
}

/** As Linkerd's newer tables have it. */
export function perSecondText(rate: number | null): string {
  return rate === null ? NONE : rate.toFixed(2);
}

export function milliseconds(ms: number | null): string {
  return ms === null ? NONE : `${ms}ms`;
}

export function bytesPerSecond(rate: number | null): string {
  return rate === null ? NONE : `${rate.toFixed(1)}B/s`;
}

interface HasFigures {
  figures: Figures;
}

export const SUCCESS: Column<HasFigures> = {
  header: 'SUCCESS',
  align: 'right',
  text: ({ figures }) => percent(successOf(figures)),
};

export const RPS: Column<HasFigures> = { header: 'RPS', align: 'right', text: ({ figures }) => rps(rpsOf(figures)) };

export const LATENCIES: readonly Column<HasFigures>[] = (['p50', 'p95', 'p99'] as const).map((quantile) => ({
  header: `LATENCY_${quantile.toUpperCase()}`,
  align: 'right',
  text: ({ figures }) => milliseconds(latencyOf(figures, quantile)),
}));

/** Connections that are open, and with `-o wide` what goes through them. */
export const CONNECTIONS: readonly Column<HasFigures>[] = [
  {
    header: 'TCP_CONN',
    align: 'right',
    text: ({ figures: { connections } }) => (connections === null ? NONE : String(connections.counts.open)),
  },
  {
    header: 'READ_BYTES/SEC',
    align: 'right',
    wide: true,
    text: ({ figures: { connections } }) => bytesPerSecond(rateOf(connections, 'readBytes')),
  },
  {
    header: 'WRITE_BYTES/SEC',
    align: 'right',
    wide: true,
    text: ({ figures: { connections } }) => bytesPerSecond(rateOf(connections, 'writtenBytes')),
  },
];

/** What Linkerd's command does not show: behind its columns, and only with `-o wide`. */
const MORE: readonly (readonly [header: string, field: string, counter: CounterName])[] = [
  ['RETRIES', 'retry_rate', 'retries'],
  ['TIMEOUTS', 'timeout_rate', 'timedOut'],
  ['DENIED', 'denied_rate', 'denied'],
  ['UNROUTED', 'unrouted_rate', 'notRouted'],
  ['LIMITED', 'limited_rate', 'limited'],
];

export const BEYOND: readonly Column<HasFigures>[] = MORE.map(([header, , counter]) => ({
  header,
  align: 'right',
  wide: true,
  text: ({ figures: { requests } }) => rps(rateOf(requests, counter)),
}));

/** Linkerd's names of fields. */
export function latencyFields(figures: Figures) {
  return {
    latency_ms_p50: latencyOf(figures, 'p50'),
    latency_ms_p95: latencyOf(figures, 'p95'),
    latency_ms_p99: latencyOf(figures, 'p99'),
  };
}

/** Of what `BEYOND` shows, a second. */
export function fieldsBeyond({ requests }: Figures): Record<string, number> {
  if (requests === null) return {};
  return Object.fromEntries(MORE.map(([, field, counter]) => [field, rateOf(requests, counter) ?? 0]));
}
