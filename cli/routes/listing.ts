import { type Listing, table } from '../output/listing.ts';
import type { Column } from '../output/table.ts';
import { printedName, SERVICE } from '../resources/kinds.ts';
import {
  actualRpsOf,
  actualSuccessOf,
  BEYOND,
  fieldsBeyond,
  LATENCIES,
  latencyFields,
  percent,
  RPS,
  rps,
  rpsOf,
  SUCCESS,
  successOf,
} from '../traffic/figures.ts';
import type { RouteRow } from './rows.ts';

const GAP = 3;
/** Linkerd's name for what no route has matched. */
const DEFAULT = '[DEFAULT]';

/** Linkerd's tables: one for each resource, with its name above where there are several. @param isTo whether `--to` was said, of which Linkerd's JSON has other fields */
export function listingOf(rows: readonly RouteRow[], isTo: boolean): Listing {
  const groups = groupsOf(rows);
  return {
    tables: [...groups].map(([title, own]) => table(COLUMNS, own, GAP, groups.size > 1 ? `==> ${title} <==` : '')),
    value: Object.fromEntries([...groups].map(([title, own]) => [title, own.map((row) => fieldsOf(row, isTo))])),
    names: [...new Set(rows.map(({ service }) => printedName(SERVICE, service)))],
  };
}

/** By what was asked for: `deploy/web`. */
function groupsOf(rows: readonly RouteRow[]): Map<string, RouteRow[]> {
  const groups = new Map<string, RouteRow[]>();
  for (const row of rows) {
    const title = `${row.kind.short[0]}/${row.name}`;
    groups.set(title, [...(groups.get(title) ?? []), row]);
  }
  return groups;
}

/** SUCCESS and RPS; with `-o wide` of requests, as their callers see them, and of all attempts. */
const COLUMNS: readonly Column<RouteRow>[] = [
  { header: 'ROUTE', text: ({ route }) => route ?? DEFAULT },
  { header: 'SERVICE', align: 'right', text: ({ service }) => service },
  { ...SUCCESS, narrow: true },
  { ...RPS, narrow: true },
  { ...SUCCESS, header: 'EFFECTIVE_SUCCESS', wide: true },
  { ...RPS, header: 'EFFECTIVE_RPS', wide: true },
  {
    header: 'ACTUAL_SUCCESS',
    align: 'right',
    wide: true,
    text: ({ figures }) => percent(actualSuccessOf(figures)),
  },
  { header: 'ACTUAL_RPS', align: 'right', wide: true, text: ({ figures }) => rps(actualRpsOf(figures)) },
  ...LATENCIES,
  ...BEYOND.filter(({ header }) => header === 'RETRIES' || header === 'TIMEOUTS'),
];

/** Linkerd's fields, and behind them the rates of retries and timeouts. */
function fieldsOf({ route, service, figures }: RouteRow, isTo: boolean): Record<string, unknown> {
  const numbers = isTo
    ? {
        effective_success: successOf(figures),
        effective_rps: rpsOf(figures),
        actual_success: actualSuccessOf(figures),
        actual_rps: actualRpsOf(figures),
      }
    : { success: successOf(figures), rps: rpsOf(figures) };
  const { retry_rate, timeout_rate } = fieldsBeyond(figures);
  const more = retry_rate === undefined ? {} : { retry_rate, timeout_rate };
  return { route: route ?? DEFAULT, authority: service, ...numbers, ...latencyFields(figures), ...more };
}
