import { vizPath } from '../../../crds/viz/group.ts';
import { kubectl } from '../kubectl.ts';
import { sleep, until } from '../shell.ts';
import { type Check, check } from '../step.ts';
import { weft } from '../weft.ts';

/** What was sent to a Service in a time, as its callers have counted it themselves. */
export interface Called {
  service: string;
  all: number;
  failed: number;
}

/** Requests by the Service that they were sent to, since the proxies were first asked. */
export type LiveCounts = ReadonlyMap<string, number>;

/** All that the control plane keeps, and longer than the applications have run. */
const WINDOW_S = 600;
/** Proxies report every second while somebody looks, and did every ten before. */
const REPORTED_MS = 15_000;
const REPORT_MS = 1_500;
/** What callers and live numbers may differ by where the time is not the same to the moment. */
const TOLERANCE = 0.01;

const STAT_FIELDS =
  'namespace kind name meshed success rps latency_ms_p50 latency_ms_p95 latency_ms_p99 tcp_open_connections tcp_read_bytes_rate tcp_write_bytes_rate';
const SIDE_FIELDS = 'name port route routeType rps latencyMsP50 latencyMsP95 latencyMsP99';

/** Headers of Linkerd's tables, which people cut into columns, and the fields of its JSON, which programs read. */
const COLUMNS: readonly [args: string, header: string, fields: string][] = [
  ['stat deploy', 'NAME MESHED SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99 TCP_CONN', STAT_FIELDS],
  ['stat po', 'NAME STATUS MESHED SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99 TCP_CONN', STAT_FIELDS],
  ['stat deploy -A', 'NAMESPACE NAME MESHED SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99 TCP_CONN', STAT_FIELDS],
  [
    'routes svc/ballots',
    'ROUTE SERVICE SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99',
    'route authority success rps latency_ms_p50 latency_ms_p95 latency_ms_p99',
  ],
  [
    'edges deploy',
    'SRC DST SRC_NS DST_NS SECURED',
    'src src_namespace dst dst_namespace client_id server_id no_tls_reason',
  ],
  [
    'stat-inbound deploy/web',
    'NAME SERVER ROUTE TYPE SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99',
    `${SIDE_FIELDS} server successesRate`,
  ],
  [
    'stat-outbound deploy/web',
    'NAME SERVICE ROUTE TYPE BACKEND SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99 TIMEOUTS RETRIES',
    `${SIDE_FIELDS} service successRate timeoutRate retryRate`,
  ],
];

interface StatRow {
  name: string;
  success: number | null;
  meshed?: string;
}

interface Counted {
  items: { labels: string[]; counts: { success: number; failure: number; timedOut: number; unanswered: number } }[];
  missing: string[];
}

/**
 * What the command shows while nothing is under way. `during`: what callers have counted since live numbers were `before`; `ever`: since they were started, `seconds` ago.
 */
export async function liveNumbers(
  namespace: string,
  before: LiveCounts,
  { during, ever, seconds }: { during: readonly Called[]; ever: readonly Called[]; seconds: number },
): Promise<Check[]> {
  return [
    ...(await counts(namespace, before, during)),
    ...(await shares(namespace, ever, seconds)),
    await failing(namespace),
    await secured(namespace, ever),
    ...(await Promise.all(COLUMNS.map(([args, header]) => columns(namespace, args, header)))),
    ...(await Promise.all(COLUMNS.map(([args, , fields]) => fieldsOf(namespace, args, fields.split(' '))))),
  ];
}

/** While nothing is under way: what proxies have still to tell comes within moments of the first question. */
export async function liveCounts(namespace: string): Promise<LiveCounts> {
  let earlier = await requestsByService(namespace);
  const { value } = await until('all proxies have told what they had counted', REPORTED_MS, async () => {
    await sleep(REPORT_MS);
    const now = await requestsByService(namespace);
    const isStill = now.size > 0 && [...now].every(([service, count]) => earlier.get(service) === count);
    earlier = now;
    return isStill ? now : null;
  });
  return value;
}

async function requestsByService(namespace: string): Promise<LiveCounts> {
  const query = `by=serviceName&where.direction=outbound&where.counted=requests&owner=service&seconds=${WINDOW_S}`;
  const path = `${vizPath('traffic', namespace)}?${query}`;
  const { items } = JSON.parse((await kubectl(['get', '--raw', path])).stdout) as Counted;
  return new Map(
    items.map(({ labels: [service = ''], counts: { success, failure, timedOut, unanswered } }) => [
      service,
      success + failure + timedOut + unanswered,
    ]),
  );
}

/** All of them, once each: live numbers lose nothing and count nothing twice. */
async function counts(namespace: string, before: LiveCounts, during: readonly Called[]): Promise<Check[]> {
  const after = await liveCounts(namespace);
  return during.map(({ service, all }) => {
    const measured = (after.get(service) ?? 0) - (before.get(service) ?? 0);
    return check(`requests to ${service}, of callers and in live numbers`, String(all), measured, measured === all);
  });
}

/** Of a poll that was there before nothing is looked at. */
async function shares(namespace: string, called: readonly Called[], seconds: number): Promise<Check[]> {
  const { stdout } = await weft([
    'stat',
    'svc',
    '-n',
    namespace,
    '-t',
    `${Math.min(seconds, WINDOW_S)}s`,
    '-o',
    'json',
  ]);
  const rows = JSON.parse(stdout) as StatRow[];
  return called.map(({ service, all, failed }) => {
    const expected = (all - failed) / all;
    const success = rows.find(({ name }) => name === service)?.success ?? null;
    const holds = success !== null && Math.abs(success - expected) <= TOLERANCE;
    return check(
      `weft stat svc: success of ${service}`,
      `${expected.toFixed(4)} within ${TOLERANCE}`,
      success?.toFixed(4) ?? 'none',
      holds,
    );
  });
}

/** One route fails always, and no other ever. */
async function failing(namespace: string): Promise<Check> {
  const template = '{range .svc/ballots[?(@.success<1)]}{.route} {.success};{end}';
  const args = ['routes', 'svc/ballots', '-n', namespace, '-t', `${WINDOW_S}s`, '-o', `jsonpath=${template}`];
  const { stdout } = await weft(args);
  return check('weft routes svc/ballots: what fails', 'VoteHoundstooth 0;', stdout, stdout === 'VoteHoundstooth 0;');
}

async function secured(namespace: string, called: readonly Called[]): Promise<Check> {
  const { stdout } = await weft(['edges', 'deploy', '-n', namespace, '-t', `${WINDOW_S}s`, '-o', 'json']);
  const edges = JSON.parse(stdout) as { dst: string; no_tls_reason: string }[];
  const holds = called.every(({ service }) =>
    edges.some(({ dst, no_tls_reason }) => dst === service && no_tls_reason === ''),
  );
  const measured = edges.map(({ dst, no_tls_reason }) => `${dst} ${no_tls_reason || '√'}`).join(', ');
  return check('weft edges deploy: connections of the poll', 'all secured', measured, holds);
}

async function columns(namespace: string, args: string, header: string): Promise<Check> {
  const { stdout } = await weft([...args.split(' '), '-n', namespace, '-t', `${WINDOW_S}s`]);
  const [first = '', ...lines] = stdout.trimEnd().split('\n');
  const measured = first.trim().split(/ +/).join(' ');
  return check(`weft ${args}: columns, and rows below`, header, measured, measured === header && lines.length > 0);
}

/** Of the first object, or of the first in the first list. */
async function fieldsOf(namespace: string, args: string, wanted: readonly string[]): Promise<Check> {
  const { stdout } = await weft([...args.split(' '), '-n', namespace, '-t', `${WINDOW_S}s`, '-o', 'json']);
  const [first] = Object.values(JSON.parse(stdout) as object).flat() as object[];
  const missing = wanted.filter((field) => !Object.hasOwn(first ?? {}, field));
  return check(
    `weft ${args} -o json: fields`,
    wanted.join(' '),
    missing.length === 0 ? 'all' : `without ${missing.join(' ')}`,
    missing.length === 0,
  );
}
