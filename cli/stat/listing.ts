import { type Listing, table } from '../output/listing.ts';
import type { Column } from '../output/table.ts';
import {
  NAMESPACE,
  POD,
  POLICY_HTTP_ROUTE,
  printedName,
  type ResourceKind,
  SERVER,
  SERVICE,
  TRAFFIC_SPLIT,
  WORKLOAD_KINDS,
} from '../resources/kinds.ts';
import {
  BEYOND,
  CONNECTIONS,
  fieldsBeyond,
  LATENCIES,
  latencyFields,
  NONE,
  RPS,
  rateOf,
  rps,
  rpsOf,
  SUCCESS,
  successOf,
} from '../traffic/figures.ts';
import type { StatRow } from './rows.ts';

/** Spaces between the columns of Linkerd's `viz stat`. */
const GAP = 3;

/** Its tables, one for each kind, and its JSON. @param allNamespaces whether rows have to say where they are */
export function listingOf(rows: readonly StatRow[], allNamespaces: boolean): Listing {
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  return {
    tables: kinds.map((kind) => {
      const own = rows.filter((row) => row.kind === kind);
      return table(columnsOf(kind, allNamespaces, kinds.length > 1), own, GAP);
    }),
    value: rows.map(fieldsOf),
    names: [...new Set(rows.map(({ kind, name }) => printedName(kind, name)))],
  };
}

/** @param isPrefixed whether names say of what kind they are */
function columnsOf(kind: ResourceKind, allNamespaces: boolean, isPrefixed: boolean): Column<StatRow>[] {
  const prefix = isPrefixed ? `${kind.short[0]}/` : '';
  const columns: Column<StatRow>[] = [{ header: 'NAME', text: ({ name }) => prefix + name }];
  if (allNamespaces) columns.unshift({ header: 'NAMESPACE', text: ({ namespace }) => namespace || NONE });
  if (kind === POD) columns.push({ header: 'STATUS', align: 'right', text: ({ status }) => status ?? NONE });
  if (kind === POLICY_HTTP_ROUTE) columns.push({ header: 'SERVER', text: ({ server }) => server || NONE });
  if (kind === TRAFFIC_SPLIT) columns.push(...SPLIT);
  if (isMeshed(kind)) columns.push({ header: 'MESHED', align: 'right', text: meshedOf });
  if (isGuarded(kind)) columns.push(UNAUTHORIZED);
  columns.push(SUCCESS, RPS, ...LATENCIES);
  if (kind !== TRAFFIC_SPLIT) columns.push(...CONNECTIONS);
  columns.push(...BEYOND.filter(({ header }) => header !== 'DENIED' || !isGuarded(kind)));
  return columns;
}

const SPLIT: readonly Column<StatRow>[] = [
  { header: 'APEX', text: ({ split }) => split?.apex || NONE },
  { header: 'LEAF', text: ({ split }) => split?.leaf || NONE },
  { header: 'WEIGHT', align: 'right', text: ({ split }) => split?.weight || NONE },
];

const UNAUTHORIZED: Column<StatRow> = {
  header: 'UNAUTHORIZED',
  align: 'right',
  text: ({ figures: { requests } }) => rps(rateOf(requests, 'denied')),
};

/** Kinds that have pods, and Services, which have `-` there. */
function isMeshed(kind: ResourceKind): boolean {
  return kind === POD || kind === NAMESPACE || kind === SERVICE || WORKLOAD_KINDS.includes(kind);
}

/** Kinds by which requests are refused. */
function isGuarded(kind: ResourceKind): boolean {
  return kind === SERVER || kind === POLICY_HTTP_ROUTE;
}

function meshedOf({ meshed }: StatRow): string {
  return meshed === null ? NONE : `${meshed.meshed}/${meshed.all}`;
}

/** Linkerd's fields, in its order; what it does not have is behind them. A number that there is none of is `null`, or left out as Linkerd does. */
function fieldsOf(row: StatRow): Record<string, unknown> {
  const { kind, namespace, name, meshed, status, server, split, figures } = row;
  const { connections, requests } = figures;
  return {
    namespace,
    kind: kind.kind.toLowerCase(),
    name,
    ...(isMeshed(kind) ? { meshed: meshedOf(row) } : {}),
    success: successOf(figures),
    rps: rpsOf(figures),
    ...latencyFields(figures),
    ...(connections === null
      ? {}
      : {
          tcp_open_connections: connections.counts.open,
          tcp_read_bytes_rate: rateOf(connections, 'readBytes'),
          tcp_write_bytes_rate: rateOf(connections, 'writtenBytes'),
        }),
    ...split,
    ...(isGuarded(kind) && requests !== null ? { unauthorized: rateOf(requests, 'denied') } : {}),
    ...(meshed === null ? {} : { pods: { meshed: meshed.meshed, all: meshed.all } }),
    ...(status === null ? {} : { status }),
    ...(server === null ? {} : { server }),
    ...fieldsBeyond(figures),
  };
}
