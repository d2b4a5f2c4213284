import { type Listing, table } from '../output/listing.ts';
import type { Column } from '../output/table.ts';
import { printedName, SERVICE } from '../resources/kinds.ts';
import {
  BEYOND,
  type Figures,
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

/** With its latencies: of requests where they were counted, of attempts where only these were. */
type ShownRow = RouteRow & { figures: Figures };

/** Linkerd's tables: one for each resource, with its name above where there are several. @param isTo whether `--to` was said, of which Linkerd's JSON has other fields */
export function listingOf(rows: readonly RouteRow[], isTo: boolean): Listing {
  const shown = rows.map((row): ShownRow => ({ ...row, figures: figuresOf(row) }));
  const groups = Map.groupBy(shown, ({ kind, name }) => `${kind.short[0]}/${name}`);
  return {
    tables: [...groups].map(([title, own]) =>
      table(columnsOf(own), own, GAP, groups.size > 1 ? `==> ${title} <==` : ''),
    ),
    value: Object.fromEntries([...groups].map(([title, own]) => [title, own.map((row) => fieldsOf(row, isTo))])),
    names: [...new Set(rows.map(({ service }) => printedName(SERVICE, service)))],
  };
}

function figuresOf({ effective, actual }: RouteRow): Figures {
  return effective.requests === null ? actual : effective;
}

/** SUCCESS and RPS, or with `-o wide` what they are of requests and what of attempts. */
function columnsOf(rows: readonly ShownRow[]): Column<ShownRow>[] {
  const hasRequests = rows.some(({ effective }) => effective.requests !== null);
  return [
    { header: 'ROUTE', text: ({ route }) => route ?? DEFAULT },
    { header: 'SERVICE', align: 'right', text: ({ service }) => service },
    { ...SUCCESS, narrow: hasRequests },
    { ...RPS, narrow: hasRequests },
    ...(hasRequests ? WIDE : []),
    ...LATENCIES,
    ...BEYOND.filter(({ header }) => header === 'RETRIES' || header === 'TIMEOUTS'),
  ];
}

const WIDE: readonly Column<ShownRow>[] = (['effective', 'actual'] as const).flatMap((which) => [
  {
    header: `${which.toUpperCase()}_SUCCESS`,
    align: 'right' as const,
    wide: true,
    text: (row: ShownRow) => percent(successOf(row[which])),
  },
  {
    header: `${which.toUpperCase()}_RPS`,
    align: 'right' as const,
    wide: true,
    text: (row: ShownRow) => rps(rpsOf(row[which])),
  },
]);

/** Linkerd's fields, and behind them the rates of retries and timeouts. */
function fieldsOf({ route, service, effective, actual, figures }: ShownRow, isTo: boolean): Record<string, unknown> {
  const numbers = isTo
    ? {
        effective_success: successOf(effective),
        effective_rps: rpsOf(effective),
        actual_success: successOf(actual),
        actual_rps: rpsOf(actual),
      }
    : { success: successOf(figures), rps: rpsOf(figures) };
  const { retry_rate, timeout_rate } = fieldsBeyond(figures);
  const more = retry_rate === undefined ? {} : { retry_rate, timeout_rate };
  return { route: route ?? DEFAULT, authority: service, ...numbers, ...latencyFields(figures), ...more };
}
