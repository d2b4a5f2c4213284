import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectionOf, RESOURCE_KINDS } from '../../cli/resources/kinds.ts';
import type { Reporter } from '../../crds/viz/dimensions.ts';
import { VIZ_API_VERSION } from '../../crds/viz/group.ts';
import { ApiFailure, statusObject } from '../../operator/viz/api/status.ts';
import { trafficRow } from '../../operator/viz/api/traffic.ts';
import type { LiveNumbers } from '../../operator/viz/live.ts';
import { TrafficWindow } from '../../operator/viz/window/traffic-window.ts';
import { COUNTER, FIRST_BUCKET } from '../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES, type SeriesLabels } from '../../proxy-image/contract/traffic/labels.ts';
import { TRAFFIC_VERSION, type TrafficReport } from '../../proxy-image/contract/traffic/report.ts';
import { type CliResult, runCli } from './cli.ts';

export interface LiveObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; ownerReferences?: object[] };
  spec?: unknown;
  status?: Record<string, unknown>;
}

/** What a series has counted; `latency`: responses by the number of their bucket. */
export type Counts = Partial<Record<keyof typeof COUNTER, number>> & { latency?: Record<number, number> };

/** What was told a moment ago was counted in the minute before: the window answers with a mean over 60 s. */
const NOW_MS = 100_000_000;
const MINUTE_MS = 60_000;

/**
 * What the command sees of a cluster: an API server with objects, whose live numbers come from the operator's own handler and window. It has no authorization.
 */
export class LiveCluster {
  objects: LiveObject[] = [];
  window = new TrafficWindow();
  /** Live numbers of something else than `window`. */
  live: Pick<LiveNumbers, 'query' | 'look'> | null = null;
  /** Paths with their queries, in the order in which they were asked. */
  readonly asked: string[] = [];
  /** What of objects was asked for: `Accept`, by path. */
  readonly accepted = new Map<string, string>();
  /** Replicas that the answers say are missing. */
  missing: string[] = [];
  /** Instead of live numbers. */
  refusal: { status: number; message: string } | null = null;
  /** Answers for objects instead of `objects`: a real API server, say. */
  upstream: ((path: string, accept: string) => Promise<{ status: number; body: unknown }>) | null = null;
  /** What becomes of the text of an answer on its way. */
  rewrite: (text: string) => string = (text) => text;
  readonly #folder = mkdtempSync(join(tmpdir(), 'weft-live-'));
  #server: Server | null = null;

  async start(): Promise<this> {
    const server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#server = server;
    const cluster = { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    const config = {
      'current-context': 'a',
      clusters: [{ name: 'a', cluster }],
      users: [{ name: 'a', user: {} }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a', namespace: 'shop' } }],
    };
    writeFileSync(this.kubeconfig, JSON.stringify(config));
    return this;
  }

  get kubeconfig(): string {
    return join(this.#folder, 'kubeconfig');
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    rmSync(this.#folder, { recursive: true });
  }

  clear(): void {
    this.objects = [];
    this.window = new TrafficWindow();
    this.asked.length = 0;
    this.missing = [];
    this.refusal = null;
    this.rewrite = (text) => text;
  }

  run(...argv: string[]): Promise<CliResult> {
    return runCli(argv, { env: { KUBECONFIG: this.kubeconfig } });
  }

  /** One proxy has counted this in the last minute. */
  counted(reporter: Reporter, series: readonly (readonly [SeriesLabels, Counts])[]): void {
    const declared = series.map(([labels], at): [number, SeriesLabels] => [OVERFLOW_SERIES.length + at, labels]);
    const changed = series.map(([, counts], at) => [OVERFLOW_SERIES.length + at, ...pairsOf(counts)]);
    const report: TrafficReport = {
      type: 'traffic',
      version: TRAFFIC_VERSION,
      run: 'first',
      seq: 1,
      overMs: MINUTE_MS,
      agoMs: 0,
      declared,
      changed,
    };
    this.window.connected(reporter).take(report, NOW_MS);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://any');
    this.asked.push(request.url ?? '');
    this.accepted.set(url.pathname, request.headers.accept ?? '');
    const isLive = url.pathname.startsWith(`/apis/${VIZ_API_VERSION}/`);
    const { status, body } =
      this.upstream === null || isLive
        ? await this.#bodyOf(url)
        : await this.upstream(request.url ?? '', request.headers.accept ?? '');
    response.writeHead(status, { 'content-type': 'application/json' }).end(this.rewrite(JSON.stringify(body)));
  }

  async #bodyOf(url: URL): Promise<{ status: number; body: unknown }> {
    if (url.pathname.startsWith(`/apis/${VIZ_API_VERSION}/`)) {
      if (this.refusal === null) return this.#traffic(url);
      return { status: this.refusal.status, body: { kind: 'Status', message: this.refusal.message } };
    }
    const namespace = /\/namespaces\/([^/]+)\/[^/]+$/.exec(url.pathname)?.[1] ?? null;
    const kind = RESOURCE_KINDS.find((each) => collectionOf(each, namespace) === url.pathname);
    if (kind === undefined) return { status: 404, body: { kind: 'Status', message: 'the server could not find it' } };
    const items = this.objects.filter(
      (object) =>
        object.kind === kind.kind &&
        (namespace === null || object.metadata.namespace === namespace) &&
        matches(object, url.searchParams),
    );
    return { status: 200, body: { kind: `${kind.kind}List`, metadata: {}, items } };
  }

  /** By the operator's own handler, which knows what may be asked. */
  async #traffic({ pathname, searchParams }: URL): Promise<{ status: number; body: unknown }> {
    const row = trafficRow({
      replica: 'weft-operator-0',
      live: this.live ?? { query: (query) => this.window.query(query, NOW_MS), look: () => {} },
      askReplicas: async () => ({ asked: this.missing, answers: [], missing: this.missing }),
      pace: { run: async (work) => work() },
    });
    const request = {
      verb: 'list' as const,
      namespace: /\/namespaces\/([^/]+)\//.exec(pathname)?.[1] ?? null,
      name: null,
      query: searchParams,
      user: { name: 'test', uid: '', groups: [], extra: {} },
      signal: new AbortController().signal,
      body: async () => Buffer.alloc(0),
    };
    try {
      const answer = await row.handle(request);
      return { status: 200, body: 'json' in answer ? answer.json : null };
    } catch (error) {
      if (error instanceof ApiFailure) return { status: error.status, body: statusObject(error) };
      throw error;
    }
  }
}

function pairsOf({ latency = {}, ...counts }: Counts): number[] {
  const counters = Object.entries(counts).flatMap(([name, count]) => [COUNTER[name as keyof typeof COUNTER], count]);
  return [...counters, ...Object.entries(latency).flatMap(([bucket, count]) => [FIRST_BUCKET + Number(bucket), count])];
}

/** Selectors as far as the command uses them: of labels by equality, of fields by name and phase. */
function matches({ metadata, status }: LiveObject, query: URLSearchParams): boolean {
  const labels = terms(query.get('labelSelector')).every(([key, sign, value]) => {
    return (metadata.labels?.[key] === value) === (sign !== '!=');
  });
  const fields: Record<string, unknown> = { 'metadata.name': metadata.name, 'status.phase': status?.['phase'] };
  return (
    labels &&
    terms(query.get('fieldSelector')).every(([key, sign, value]) => (fields[key] === value) === (sign !== '!='))
  );
}

function terms(selector: string | null): [key: string, sign: string, value: string][] {
  return (selector ?? '')
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const [, key = '', sign = '', value = ''] = /^([^!=]+)(!=|==?)(.*)$/.exec(term) ?? [];
      return [key, sign, value];
    });
}
