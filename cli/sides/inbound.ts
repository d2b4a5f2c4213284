import { type Listing, table } from '../output/listing.ts';
import type { Column } from '../output/table.ts';
import type { ResourceArgument } from '../resources/arguments.ts';
import { printedName, type ResourceKind } from '../resources/kinds.ts';
import {
  BEYOND,
  type Figures,
  fieldsBeyond,
  LATENCIES,
  latencyOf,
  perSecondText,
  rpsOf,
  SUCCESS,
  successOf,
} from '../traffic/figures.ts';
import type { Asking } from '../traffic/run.ts';
import { inOrder, routeIn, sideOf } from './subject.ts';

interface InboundRow {
  kind: ResourceKind;
  name: string;
  server: string;
  port: string;
  route: string;
  routeType: string;
  figures: Figures;
}

const GAP = 2;
const DIMENSIONS = ['serverKind', 'serverName', 'serverPort', 'routeKind', 'routeName'] as const;

const COLUMNS: readonly Column<InboundRow>[] = [
  { header: 'NAME', text: ({ name }) => name },
  { header: 'SERVER', text: ({ server, port }) => (port === '' ? server : `${server}:${port}`) },
  { header: 'ROUTE', text: ({ route }) => route },
  { header: 'TYPE', text: ({ routeType }) => routeType },
  SUCCESS,
  { header: 'RPS', align: 'right', text: ({ figures }) => perSecondText(rpsOf(figures)) },
  ...LATENCIES,
  ...BEYOND.filter(({ header }) => header !== 'RETRIES'),
];

/** Of requests that were taken: a row for each Server and route that they came by. */
export async function inboundListing(asking: Asking, wanted: readonly ResourceArgument[]): Promise<Listing> {
  const owned = await sideOf(asking, wanted, 'inbound', DIMENSIONS);
  const rows = owned.map(({ kind, name, item }): InboundRow => {
    const isDefault = item.label('serverKind') === 'default' || item.label('serverName') === '';
    const server = isDefault ? '[default]' : item.label('serverName');
    const figures = { requests: item, connections: null };
    return { kind, name, server, port: item.label('serverPort'), ...routeIn(item), figures };
  });
  const ordered = inOrder(rows, ({ name, server, port, routeType, route }) => [name, server, port, routeType, route]);
  return {
    tables: ordered.length === 0 ? [] : [table(COLUMNS, ordered, GAP)],
    value: ordered.map(fieldsOf),
    names: [...new Set(ordered.map(({ kind, name }) => printedName(kind, name)))],
  };
}

/** Linkerd's fields, by its names. */
function fieldsOf({ name, server, port, route, routeType, figures }: InboundRow): Record<string, unknown> {
  return {
    name,
    server,
    port,
    route,
    routeType,
    successesRate: successOf(figures),
    rps: rpsOf(figures),
    latencyMsP50: latencyOf(figures, 'p50'),
    latencyMsP95: latencyOf(figures, 'p95'),
    latencyMsP99: latencyOf(figures, 'p99'),
    ...fieldsBeyond(figures),
  };
}
