/** Queries and panels of traffic, which most dashboards share. */
import type { Panel, Query } from './model.ts';

export const WINDOW = '$__rate_interval';

/** `by (a, b)`, or nothing. */
function grouping(labels: readonly string[]): string {
  return labels.length === 0 ? ' ' : ` by (${labels.join(', ')}) `;
}

export function legendOf(labels: readonly string[]): string {
  return labels.map((label) => `{{${label}}}`).join(' / ');
}

/** Sum of the rates of a counter. */
export function rate(family: string, selector: string, by: readonly string[] = []): string {
  return `sum${grouping(by)}(rate(${family}{${selector}}[${WINDOW}]))`;
}

/** Share of a counter's rate that `part` selects beside `selector`; 0, not absent, where there is none of it. */
export function share(family: string, selector: string, part: string, by: readonly string[] = []): string {
  const all = rate(family, selector, by);
  return `(${rate(family, `${selector}, ${part}`, by)} or 0 * ${all}) / ${all}`;
}

export function successRate(selector: string, by: readonly string[] = [], family = 'response_total'): string {
  return share(family, selector, 'classification="success"', by);
}

export function quantile(q: number, histogram: string, selector: string, by: readonly string[] = []): string {
  return `histogram_quantile(${q}, ${rate(`${histogram}_bucket`, selector, [...by, 'le'])})`;
}

export function quantiles(histogram: string, selector: string): Query[] {
  return [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, histogram, selector), legend: `p${q * 100}` }));
}

type Base = Pick<Panel, 'title' | 'description'>;

export function series(unit: Panel['unit'], base: Base, queries: readonly Query[], width = 8): Panel {
  return { ...base, kind: 'timeseries', unit, width, queries };
}

export function stat(unit: Panel['unit'], base: Base, expr: string, width = 4): Panel {
  return { ...base, kind: 'stat', unit, width, queries: [{ expr, legend: base.title }] };
}

export function table(unit: Panel['unit'], base: Base, expr: string, width = 12): Panel {
  return { ...base, kind: 'table', unit, width, queries: [{ expr, legend: '' }] };
}

/** Success rate, requests and latency of whatever `selector` selects, in all. */
export function golden(selector: string, whose: string): Panel[] {
  return [
    series(
      'percentunit',
      { title: 'Success rate', description: `Share of the responses ${whose} that are no failures.` },
      [{ expr: successRate(selector), legend: 'success' }],
    ),
    series('reqps', { title: 'Requests', description: `Requests ${whose}, by whether they came or went by mTLS.` }, [
      { expr: rate('request_total', selector, ['tls']), legend: 'tls={{tls}}' },
    ]),
    series(
      'ms',
      { title: 'Latency', description: `Time to the first byte of the responses ${whose}.` },
      quantiles('response_latency_ms', selector),
    ),
  ];
}

/** The same three, a line for each value of `by`. */
export function goldenBy(selector: string, by: readonly string[], whose: string): Panel[] {
  const legend = legendOf(by);
  return [
    series(
      'percentunit',
      { title: 'Success rate', description: `Share of the responses ${whose} that are no failures.` },
      [{ expr: successRate(selector, by), legend }],
    ),
    series('reqps', { title: 'Requests', description: `Requests ${whose}.` }, [
      { expr: rate('request_total', selector, by), legend },
    ]),
    series('ms', { title: 'Latency, p95', description: `95th percentile of the time to the first byte ${whose}.` }, [
      { expr: quantile(0.95, 'response_latency_ms', selector, by), legend },
    ]),
  ];
}

/** Connections and bytes. */
export function tcp(selector: string): Panel[] {
  return [
    series(
      'short',
      { title: 'Open connections', description: 'TCP connections that are open, accepted (src) and made (dst).' },
      [{ expr: `sum by (direction, peer) (tcp_open_connections{${selector}})`, legend: '{{direction}}, {{peer}}' }],
    ),
    series('Bps', { title: 'Bytes read', description: 'Bytes read from the peers of these connections.' }, [
      { expr: rate('tcp_read_bytes_total', selector, ['direction', 'peer']), legend: '{{direction}}, {{peer}}' },
    ]),
    series('Bps', { title: 'Bytes written', description: 'Bytes written to the peers of these connections.' }, [
      { expr: rate('tcp_write_bytes_total', selector, ['direction', 'peer']), legend: '{{direction}}, {{peer}}' },
    ]),
  ];
}
