import { endedOf } from '../../crds/viz/rates.ts';
import { type Listing, table } from '../output/listing.ts';
import type { Column } from '../output/table.ts';
import type { ResourceArgument } from '../resources/arguments.ts';
import { printedName, type ResourceKind } from '../resources/kinds.ts';
import type { Item } from '../traffic/answer.ts';
import {
  ended,
  type Figures,
  LATENCIES,
  latencyOf,
  NONE,
  percent,
  perSecondText,
  retriesOf,
  rpsOf,
  SUCCESS,
  successOf,
} from '../traffic/figures.ts';
import type { Asking } from '../traffic/run.ts';
import { inOrder, type Owned, routeIn, sideOf } from './subject.ts';

interface Backend {
  backend: string;
  backendPort: string;
  figures: Figures;
}

interface OutboundRow {
  kind: ResourceKind;
  name: string;
  /** What was called: of what is no Service, its authority. */
  service: string;
  port: string;
  route: string;
  routeType: string;
  figures: Figures;
  backends: readonly Backend[];
}

/** A line of the table: of a route, or of one of its backends below it. */
interface Line extends Partial<OutboundRow> {
  figures: Figures;
  /** In the columns of the route and its type: the branch of a tree. */
  branch: '' | '├' | '└';
  of: string;
}

const GAP = 2;
const ROUTE = ['serviceNamespace', 'serviceName', 'servicePort', 'authority', 'routeKind', 'routeName'] as const;
const BACKEND = ['backendName', 'backendPort'] as const;

const COLUMNS: readonly Column<Line>[] = [
  { header: 'NAME', text: ({ name }) => name ?? '' },
  { header: 'SERVICE', text: ({ service, port }) => (service === undefined ? '' : addressOf(service, port)) },
  { header: 'ROUTE', text: ({ route, branch }) => route ?? `${branch}─` },
  { header: 'TYPE', text: ({ routeType }) => routeType ?? '─►' },
  { header: 'BACKEND', text: ({ of }) => of },
  SUCCESS,
  { header: 'RPS', align: 'right', text: ({ figures }) => perSecondText(rpsOf(figures)) },
  ...LATENCIES,
  { header: 'TIMEOUTS', align: 'right', text: ({ figures }) => percent(timeoutsOf(figures)) },
  {
    header: 'RETRIES',
    align: 'right',
    text: ({ branch, figures }) => (branch === '' ? percent(retriesOf(figures)) : ''),
  },
];

/** Of requests that were sent: by Service and route, and below each the backends that they ended at. */
export async function outboundListing(asking: Asking, wanted: readonly ResourceArgument[]): Promise<Listing> {
  const [routes, backends] = await Promise.all([
    sideOf(asking, wanted, 'outbound', ROUTE),
    sideOf(asking, wanted, 'outbound', [...ROUTE, ...BACKEND]),
  ]);
  const rows = inOrder(rowsOf(routes, backends), ({ name, service, port, routeType, route }) => [
    name,
    service,
    port,
    routeType,
    route,
  ]);
  return {
    tables: rows.length === 0 ? [] : [table(COLUMNS, rows.flatMap(linesOf), GAP)],
    value: rows.flatMap(fieldsOf),
    names: [...new Set(rows.map(({ kind, name }) => printedName(kind, name)))],
  };
}

function rowsOf(routes: readonly Owned[], backends: readonly Owned[]): Iterable<OutboundRow> {
  const rows = new Map<string, OutboundRow>();
  for (const each of routes) rows.set(keyOf(each), rowOf(each));
  for (const each of backends) {
    const row = rows.get(keyOf(each));
    const backend = backendIn(each.item);
    if (row === undefined || backend === null) continue;
    rows.set(keyOf(each), { ...row, backends: [...row.backends, backend] });
  }
  return rows.values();
}

function rowOf({ kind, name, item }: Owned): OutboundRow {
  const figures = { requests: item, connections: null };
  return { kind, name, ...calledIn(item), ...routeIn(item), figures, backends: [] };
}

function keyOf({ kind, name, item }: Owned): string {
  return JSON.stringify([kind.kind, name, ...ROUTE.map((dimension) => item.label(dimension))]);
}

function calledIn(item: Item): { service: string; port: string } {
  const service = item.label('serviceName');
  return service === ''
    ? { service: item.label('authority') || NONE, port: '' }
    : { service, port: item.label('servicePort') };
}

/** `null`: the request has ended before one was chosen. */
function backendIn(item: Item): Backend | null {
  const backend = item.label('backendName');
  const figures = { requests: item, connections: null };
  return backend === '' ? null : { backend, backendPort: item.label('backendPort'), figures };
}

function linesOf(row: OutboundRow): Line[] {
  const backends = inOrder(row.backends, ({ backend, backendPort }) => [backend, backendPort]);
  return [
    { ...row, branch: '', of: '' },
    ...backends.map(({ backend, backendPort, figures }, at): Line => {
      const branch = at === backends.length - 1 ? '└' : '├';
      return { branch, of: addressOf(backend, backendPort), figures };
    }),
  ];
}

function addressOf(name: string, port: string | undefined): string {
  return port === undefined || port === '' ? name : `${name}:${port}`;
}

/** Of all that has ended. */
function timeoutsOf(figures: Figures): number | null {
  const item = ended(figures);
  return item === null ? null : item.counts.timedOut / endedOf(item.counts);
}

/** Linkerd's fields, by its names: an object for each line of the table. */
function fieldsOf({ name, service, port, route, routeType, figures, backends }: OutboundRow): object[] {
  const of = { name, service, port, route, routeType };
  return [
    { ...of, ...numbersOf(figures), retryRate: retriesOf(figures) },
    ...backends.map(({ backend, backendPort, figures: own }) => ({ ...of, backend, backendPort, ...numbersOf(own) })),
  ];
}

function numbersOf(figures: Figures): object {
  return {
    successRate: successOf(figures),
    rps: rpsOf(figures),
    latencyMsP50: latencyOf(figures, 'p50'),
    latencyMsP95: latencyOf(figures, 'p95'),
    latencyMsP99: latencyOf(figures, 'p99'),
    timeoutRate: timeoutsOf(figures),
  };
}
