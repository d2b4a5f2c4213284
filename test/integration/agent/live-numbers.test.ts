import { Agent, createServer as createHttpServer, request } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { DIMENSIONS, type Dimension } from '../../../crds/viz/dimensions.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { LiveTraffic } from '../../../operator/viz/live-traffic.ts';
import type { ReportOutcome } from '../../../operator/viz/reported-proxy.ts';
import { TrafficSum } from '../../../operator/viz/window/traffic-sum.ts';
import { COUNTER } from '../../../proxy-image/contract/traffic/counters.ts';
import { LATENCY_BUCKETS_MS } from '../../../proxy-image/contract/traffic/latency-buckets.ts';
import { encodeTransportHeader } from '../../../proxy-image/io/tls/transport-header.ts';
import {
  authorizationOf,
  BundledPair,
  appObject as object,
  type PairedService,
  serverOf as server,
} from '../../support/bundled-pair.ts';
import { ControlPlane, type RawObject, SUFFIX } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { LiveCluster } from '../../support/live-cluster.ts';
import { pod } from '../../support/models.ts';
import { ProxyProcess } from '../../support/proxy-process.ts';

const CLIENT_IDENTITY = `client.app.serviceaccount.identity.${SUFFIX}`;
const SERVER_IDENTITY = `web.app.serviceaccount.identity.${SUFFIX}`;
const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';
const WINDOW_MS = 300_000;
/** Octets that connections send and have back. */
const SIZES = [1_000, 20_000, 300_000];
const ECHOED = 321_000;

/** Services, by name, and which port of the pod is behind each. */
const SERVICES = { web: 'http', routed: 'http', profiled: 'http', closed: 'closed', db: 'tcp' } as const;
type ServiceName = keyof typeof SERVICES;
const NAMES = Object.keys(SERVICES) as ServiceName[];
const forClient = (name: string) => authorizationOf(POLICY, 'Server', name);

/** What users write. */
function objectsFor(ports: Record<'http' | 'closed' | 'tcp', number>): RawObject[] {
  const retries = { 'retry.linkerd.io/http': '5xx', 'retry.linkerd.io/limit': '1' };
  const rules = [
    { matches: [{ path: { type: 'PathPrefix', value: '/never' } }], timeouts: { request: '200ms' } },
    {},
  ].map((rule) => ({ ...rule, backendRefs: [{ name: 'web', port: 80 }] }));
  const parentRefs = [{ group: '', kind: 'Service', name: 'routed' }];
  return [
    object(`${GATEWAY}/v1`, 'HTTPRoute', 'all', { parentRefs, rules }, retries),
    object('linkerd.io/v1alpha2', 'ServiceProfile', 'profiled.app.svc.cluster.local', {
      routes: [{ name: 'GET /books', condition: { method: 'GET', pathRegex: '/books/[0-9]+' } }],
    }),
    server('http', ports.http, 'HTTP/1'),
    forClient('http'),
    server('closed', ports.closed, 'HTTP/1'),
    server('tcp', ports.tcp, 'opaque'),
    forClient('tcp'),
  ];
}

interface Row {
  name: string;
  success: number;
  rps: number;
}

/** The bundle of the image on Bun, the operator's servers, and traffic that is counted here, where it is made. */
describe('live numbers, from the proxies to the operator', function () {
  this.timeout(120_000);
  const outcomes: ReportOutcome[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const ports = { http: 0, closed: 0, tcp: 0 };
  /** What was sent to each Service since live numbers were new, and what of it was answered with 5xx. */
  const sent = new Map<string, { all: number; failed: number }>();
  let failing = 0;
  let live: LiveTraffic | null = null;
  /** Before the present test. */
  let known = new Map<string, TrafficSum>();
  let plane: ControlPlane;
  let pair: BundledPair<ServiceName>;
  let client: ProxyProcess;

  before(async () => {
    pair = new BundledPair(NAMES, 31);
    ({ client } = pair);
    pair.tellWhenLoaded('proxy-traffic.js');
    await startApplications();
    live = await newLive();
    plane = await ControlPlane.start({ reports: { connected: (proxy) => live!.connected(proxy) } });
    fill();
    await pair.start(plane);
  });

  after(async () => {
    agent.destroy();
    await pair?.remove();
    await live?.stop();
    await plane?.stop();
  });

  /** Each test counts what it has made itself. */
  beforeEach(async () => {
    await eventually('nothing is on its way', async () => {
      const seen = () => outcomes.length;
      const was = seen();
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      return seen() === was;
    });
    known = counted();
  });

  async function newLive(): Promise<LiveTraffic> {
    const next = new LiveTraffic({
      clock: systemClock,
      observer: { reported: (_proxy, outcome) => outcomes.push(outcome) },
    });
    await next.start();
    next.look();
    return next;
  }

  async function startApplications(): Promise<void> {
    const answer = createHttpServer((incoming, response) => {
      const { url = '' } = incoming;
      if (url === '/never') return;
      response.statusCode = url === '/broken' || (url === '/flaky' && failing-- > 0) ? 500 : 200;
      setTimeout(() => response.end(), url === '/slow' ? 130 : 0);
    });
    ports.http = await pair.listen(answer);
    ports.closed = await pair.listen(createHttpServer((_, response) => response.end()));
    ports.tcp = await pair.listen(createTcpServer((socket) => socket.on('data', (chunk) => socket.write(chunk))));
  }

  function fill(): void {
    const opaque = { annotations: { 'config.linkerd.io/opaque-ports': '80' } };
    const whole = (name: ServiceName) => ({ port: ports[SERVICES[name]], ...(name === 'db' ? opaque : {}) });
    const services = Object.fromEntries(NAMES.map((name) => [name, whole(name)])) as Record<ServiceName, PairedService>;
    pair.put(plane, services, { owner: { kind: 'StatefulSet', name: 'callers' } });
    for (const each of objectsFor(ports)) plane.apply(each);
  }

  function get(name: ServiceName, path: string): Promise<{ status: number; ms: number }> {
    const startMs = performance.now();
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...pair.listenerOf(name), agent, path, headers: { host: `${name}.app` } });
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        response.resume().on('end', () => {
          const { statusCode: status = 0 } = response;
          const { all, failed } = sent.get(name) ?? { all: 0, failed: 0 };
          sent.set(name, { all: all + 1, failed: failed + (status >= 500 ? 1 : 0) });
          resolve({ status, ms: performance.now() - startMs });
        });
      });
      outgoing.end();
    });
  }

  async function getEach(name: ServiceName, path: string, times: number): Promise<number[]> {
    const all = await Promise.all(Array.from({ length: times }, () => get(name, path)));
    return all.map(({ ms }) => ms);
  }

  type Where = Partial<Record<Dimension, string>>;

  /** Everything in the window, by all labels. */
  function counted(): Map<string, TrafficSum> {
    const found = live!.query({ by: DIMENSIONS, where: {}, lastMs: WINDOW_MS });
    return new Map(found.map(({ labels, sum }) => [JSON.stringify(labels), sum]));
  }

  /** What has been told of since the test began, by labels, joined. */
  function groups(by: readonly Dimension[], where: Where): Record<string, TrafficSum> {
    const sums: Record<string, TrafficSum> = {};
    for (const [key, sum] of counted()) {
      const labels: string[] = JSON.parse(key);
      const of = (dimension: Dimension) => labels[DIMENSIONS.indexOf(dimension)]!;
      const grown = sum.numbers.map((number, at) => number - (known.get(key)?.numbers[at] ?? 0));
      const isMeant = DIMENSIONS.every((dimension) => (where[dimension] ?? of(dimension)) === of(dimension));
      if (!isMeant || Object.keys(COUNTER).every((name) => grown[COUNTER[name as keyof typeof COUNTER]] === 0))
        continue;
      sums[by.map(of).join(' ')] ??= new TrafficSum();
      sums[by.map(of).join(' ')]!.add(new TrafficSum(grown));
    }
    return sums;
  }

  function ends(sum: TrafficSum | undefined): number[] {
    return (['success', 'failure', 'timedOut', 'unanswered'] as const).map((name) => sum?.count(name) ?? 0);
  }

  /** Waits until as many have been told of, and then for more that must not come. */
  async function told(where: Where, count: number): Promise<TrafficSum> {
    const sum = () => groups([], where)['']!;
    await eventually(
      `${count} of ${JSON.stringify(where)}`,
      () => groups([], where)['']?.ended === count || (sum()?.ended ?? 0) > count,
      10_000,
    );
    return sum();
  }

  const INBOUND: Where = { direction: 'inbound', counted: 'requests' };
  const ATTEMPTS: Where = { direction: 'outbound', counted: 'attempts' };
  const REQUESTS: Where = { direction: 'outbound', counted: 'requests' };

  it('agree with what was sent, on both sides: success, failure, client, Server, authorization, endpoint, Service, route', async () => {
    await Promise.all([getEach('web', '/ok', 37), getEach('web', '/broken', 5)]);
    for (const where of [INBOUND, ATTEMPTS, REQUESTS]) expect(ends(await told(where, 42))).to.deep.equal([37, 5, 0, 0]);
    const by = ['namespace', 'kind', 'name', 'pod', 'identity', 'tls', 'peerIdentity'] as const;
    expect(Object.keys(groups([...by, 'serverName', 'authorizationName', 'routeName'], INBOUND))).to.deep.equal([
      `app Deployment web web-1 ${SERVER_IDENTITY} true ${CLIENT_IDENTITY} http for-http default`,
    ]);
    const peer = ['peerNamespace', 'peerKind', 'peerName', 'peerPod', 'backendName', 'backendPort'] as const;
    expect(Object.keys(groups([...by, ...peer], ATTEMPTS))).to.deep.equal([
      `app StatefulSet callers client-1 ${CLIENT_IDENTITY} true ${SERVER_IDENTITY} app Deployment web web-1 web 80`,
    ]);
    const route = ['serviceNamespace', 'serviceName', 'servicePort', 'routeKind', 'routeName', 'backendName'] as const;
    expect(Object.keys(groups(['name', ...route], REQUESTS))).to.deep.equal(['callers app web 80 default http web']);
  });

  it('count a request once whatever number of attempts it takes, and say how many more there were, and whose time was over', async () => {
    failing = 3;
    for (let sent = 0; sent < 3; sent++)
      expect((await get('routed', '/flaky')).status).to.equal(sent === 0 ? 500 : 200);
    expect((await get('routed', '/never')).status).to.equal(504);
    const sum = await told(REQUESTS, 4);
    expect(ends(sum)).to.deep.equal([2, 1, 1, 0]);
    expect(sum.count('retries')).to.equal(2);
    expect(ends(await told(ATTEMPTS, 6))).to.deep.equal([2, 3, 1, 0]);
    const by = ['serviceName', 'routeKind', 'routeNamespace', 'routeName', 'backendName'] as const;
    expect(Object.keys(groups(by, REQUESTS))).to.deep.equal(['routed HTTPRoute app all web']);
  });

  it('count by the routes of a profile', async () => {
    await Promise.all([getEach('profiled', '/books/7', 6), getEach('profiled', '/ok', 2)]);
    await told(REQUESTS, 8);
    const sums = groups(['serviceName', 'routeKind', 'routeName'], REQUESTS);
    expect(Object.entries(sums).map(([labels, sum]) => [labels, sum.count('success')])).to.deep.equal([
      ['profiled ServiceProfile GET /books', 6],
      ['profiled ServiceProfile ', 2],
    ]);
  });

  it('say latencies within the bucket of those that were measured', async () => {
    const sorted = (await getEach('web', '/slow', 20)).sort((a, b) => a - b);
    const bucketOf = (ms: number) => LATENCY_BUCKETS_MS.findIndex((bound) => ms <= bound);
    for (const where of [INBOUND, ATTEMPTS, REQUESTS]) {
      const p50 = (await told(where, 20)).latencyMs(0.5)!;
      expect(p50, JSON.stringify(where)).to.be.within(100, LATENCY_BUCKETS_MS[bucketOf(sorted[10]!)]!);
    }
  });

  it('tell what was refused apart: it is no request of the application', async () => {
    for (let sent = 0; sent < 4; sent++) expect((await get('closed', '/ok')).status).to.equal(403);
    await eventually('the denials', () => groups(['serverName'], INBOUND)['closed']?.count('denied') === 4, 5_000);
    const sum = groups(['serverName', 'authorizationName', 'peerIdentity'], INBOUND)[`closed  ${CLIENT_IDENTITY}`]!;
    expect([sum.count('denied'), sum.ended]).to.deep.equal([4, 0]);
    // To the client it is an answer as any other.
    expect(ends(await told(REQUESTS, 4))).to.deep.equal([4, 0, 0, 0]);
  });

  it('are shown by weft stat, Service by Service as they were sent', async () => {
    const cluster = await new LiveCluster().start();
    cluster.live = live;
    const shown = async (line: string) =>
      JSON.parse((await cluster.run(...line.split(' '), '-n', 'app')).stdout) as Row[];
    try {
      await getEach('web', '/broken', 3);
      await told(REQUESTS, 3);
      const rows = await shown('stat svc -t 5m -o json');
      const web = { ...sent.get('web')!, rps: rows.find(({ name }) => name === 'web')!.rps };
      for (const [name, { all, failed }] of sent) {
        const row = rows.find((each) => each.name === name)!;
        expect(row.success, name).to.equal((all - failed) / all);
        // All are of the same seconds.
        expect(row.rps / web.rps, name).to.be.closeTo(all / web.all, 1e-9);
      }
      const [called] = await shown('stat svc/web --from sts/callers -t 5m -o json');
      expect(called!.success).to.equal((web.all - web.failed) / web.all);
      // It was asked a moment later.
      expect(called!.rps / web.rps).to.be.closeTo(1, 0.01);
    } finally {
      cluster.stop();
    }
  });

  it('say which connections are open, and every octet that went through them', async () => {
    const header = encodeTransportHeader({ port: ports.tcp, name: '', session: 'opaque' });
    const open = await Promise.all(SIZES.map((size) => echoed(size)));
    open[0]!.destroy();
    const where = (direction: string): Where => ({ direction, counted: 'connections' });
    const of = (direction: string, by: readonly Dimension[]) => {
      const named = Object.entries(groups(by, where(direction))).find(([labels]) => /\b(?:db|tcp)\b/.test(labels));
      return named === undefined ? null : { labels: named[0], sum: named[1] };
    };
    const facts = (sum: TrafficSum | undefined) =>
      (['opened', 'closed', 'open', 'readBytes', 'writtenBytes'] as const).map((name) => sum?.count(name));
    const outbound = ['name', 'serviceName', 'peerKind', 'peerName', 'tls', 'peerIdentity'] as const;
    const inbound = ['name', 'serverName', 'tls', 'peerIdentity'] as const;
    for (const [direction, by, labels, withHeader] of [
      ['outbound', outbound, `callers db Deployment web true ${SERVER_IDENTITY}`, 'writtenBytes'],
      ['inbound', inbound, `web tcp true ${CLIENT_IDENTITY}`, 'readBytes'],
    ] as const) {
      // Between the proxies goes Linkerd's transport header too, in one direction.
      const sent = ECHOED + open.length * header.length;
      const octets = withHeader === 'readBytes' ? [sent, ECHOED] : [ECHOED, sent];
      const expected = [3, 1, 2, ...octets];
      await eventually(
        `${direction}: ${expected}`,
        () => facts(of(direction, by)?.sum).join() === expected.join(),
        10_000,
      );
      expect(of(direction, by)?.labels).to.equal(labels);
    }
    for (const each of open) each.destroy();
    await eventually('none is open', () => of('inbound', inbound)?.sum.count('open') === 0, 10_000);
  });

  /** A connection to the database that has sent so much, and has it back. */
  function echoed(size: number): Promise<Socket> {
    const socket = connect(pair.listenerOf('db'));
    pair.track(socket);
    return new Promise((resolve, reject) => {
      let left = size;
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        left -= chunk.length;
        if (left === 0) resolve(socket);
      });
      socket.write(Buffer.alloc(size, 7));
    });
  }

  it('come within a second and a half of the first request, while somebody looks', async () => {
    // On a busy machine it is others that are late: one of three is enough.
    const delaysMs: number[] = [];
    for (let turn = 1; turn <= 3 && !delaysMs.some((ms) => ms <= 1_500); turn++) {
      const startMs = performance.now();
      await get('web', '/ok');
      await eventually('the first number', () => groups([], INBOUND)['']?.count('success') === turn, 5_000);
      delaysMs.push(performance.now() - startMs);
    }
    expect(Math.min(...delaysMs)).to.be.at.most(1_500);
  });

  it('lose and double nothing when the stream breaks and comes back', async () => {
    await getEach('web', '/ok', 11);
    for (let turn = 0; turn < 3; turn++) {
      await plane.stopConfig();
      await getEach('web', '/ok', 10);
      await plane.startConfig();
      await eventually('both are back', () => plane.config.connections().connected === 2, 15_000);
      await getEach('web', '/ok', 3);
    }
    for (const where of [INBOUND, ATTEMPTS, REQUESTS]) expect(ends(await told(where, 50))).to.deep.equal([50, 0, 0, 0]);
    expect(outcomes).to.include('duplicate');
  });

  it('begin anew with an operator that has started anew: with its last report, and all that was counted while there was none', async () => {
    await getEach('web', '/ok', 20);
    for (const where of [INBOUND, ATTEMPTS, REQUESTS]) await told(where, 20);
    await get('web', '/ok');
    for (const where of [INBOUND, ATTEMPTS, REQUESTS]) await told(where, 21);
    await plane.stopConfig();
    await live!.stop();
    live = await newLive();
    known = new Map();
    await getEach('web', '/ok', 7);
    await plane.startConfig();
    for (const where of [INBOUND, ATTEMPTS, REQUESTS]) expect(ends(await told(where, 8))).to.deep.equal([8, 0, 0, 0]);
  });

  it('go on when a proxy starts anew; one that ends in order tells of its last requests', async () => {
    await getEach('web', '/ok', 9);
    await client.kill('SIGTERM');
    expect(ends(await told(REQUESTS, 9))).to.deep.equal([9, 0, 0, 0]);
    await client.start(plane).line('proxy is ready');
    await eventually('it is asked', () => pair.hasLoaded(client));
    await getEach('web', '/ok', 4);
    for (const where of [REQUESTS, ATTEMPTS, INBOUND]) expect(ends(await told(where, 13))).to.deep.equal([13, 0, 0, 0]);
    expect(Object.keys(groups(['pod'], REQUESTS))).to.deep.equal(['client-1']);
  });

  it('are not counted, and what counts them is not loaded, where nobody asks', async () => {
    const quiet = await ControlPlane.start();
    const { options } = client;
    const other = new ProxyProcess({ ...options, pod: 'client-2', network: { outbound: [], addresses: {} } });
    try {
      quiet.put('Pod', pod('client-2', '10.1.0.3', { serviceAccount: 'client' }));
      await other.start(quiet).line('proxy is ready');
      await other.get('/metrics');
      expect(pair.hasLoaded(client)).to.equal(true);
      expect(pair.hasLoaded(other)).to.equal(false);
    } finally {
      await other.remove();
      await quiet.stop();
    }
  });
});
