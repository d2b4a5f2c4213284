import { expect } from 'chai';
import type { Dimension } from '../../../crds/viz/dimensions.ts';
import { LiveTraffic } from '../../../operator/viz/live-traffic.ts';
import type { ReportReader } from '../../../operator/viz/reported-proxy.ts';
import type { TrafficSum } from '../../../operator/viz/window/traffic-sum.ts';
import { DEFAULT_ROUTE } from '../../../proxy-image/contract/policy/meta.ts';
import type { ObjectLabel } from '../../../proxy-image/contract/resources.ts';
import { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import { authorizeConnection, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import { RateLimiter } from '../../../proxy-image/core/policy/rate-limit.ts';
import { ProxyRecorder } from '../../../proxy-image/io/telemetry/proxy-recorder.ts';
import type { EndedCall } from '../../../proxy-image/io/telemetry/recorder.ts';
import { TrafficReporter } from '../../../proxy-image/io/telemetry/traffic/reporter.ts';
import { targetOf } from '../../../proxy-image/stack/endpoints/endpoint-hosts.ts';
import { dialledLabels, inboundLabels, outboundLabels } from '../../../proxy-image/stack/shared/transport-labels.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeTimers } from '../../fakes/timers.ts';
import { entryOf } from '../../support/policy.ts';
import { authorization, endpoint, portPolicy } from '../core/fixtures.ts';
import { reporter, SECOND_MS, START_MS } from './fixtures.ts';

const NO_GRPC = -1;
const MINUTE_MS = 60 * SECOND_MS;
const AUTHORITY = 'web.shop.svc.cluster.local:80';
const CLIENT = 'api.shop.serviceaccount.identity.linkerd.cluster.local';
const SERVER: ObjectLabel = { group: 'policy.linkerd.io', kind: 'Server', name: 'web' };
const FEW = {
  meta: {
    group: 'policy.linkerd.io',
    kind: 'HTTPLocalRateLimitPolicy',
    namespace: 'shop',
    name: 'few',
    section: '',
    port: 0,
  },
  totalPerSecond: 1,
  identityPerSecond: 0,
  overrides: [],
};

const policy = entryOf(portPolicy({ server: SERVER, authorizations: [authorization('all')] }));
const peer = () => new InboundPeer('10.1.1.1', CLIENT, true);

/** A recorder, what reports of it, and the operator's side, on one clock; messages go through their text. */
class Rig {
  readonly clock = new FakeClock({ nowMs: START_MS });
  readonly recorder: ProxyRecorder;
  readonly live = new LiveTraffic({
    clock: this.clock,
    observer: { reported: (_, outcome, leftOut) => this.outcomes.push(outcome, ...leftOut) },
  });
  readonly outcomes: string[] = [];
  readonly reporter: TrafficReporter;
  readonly sent: number[] = [];
  server = SERVER;
  /** Of the stream of now. */
  stream = { isOpen: true };
  #reader: ReportReader | null = null;

  constructor(maxSeries?: number) {
    this.recorder = new ProxyRecorder({ clock: this.clock, podIp: '10.1.0.1', zone: () => '', maxSeries });
    this.reporter = new TrafficReporter({
      recorder: this.recorder,
      timers: new FakeTimers(this.clock),
      random: () => 0.5,
      state: { inboundPort: (port) => ({ port, policy: { ...policy, server: this.server } }) },
      stack: { report: () => {} },
    });
  }

  connect(): this {
    const rig = this;
    const stream = {
      isOpen: true,
      send(message: object): void {
        rig.sent.push(rig.clock.nowMs());
        rig.#reader!.received(JSON.parse(JSON.stringify(message)));
      },
    };
    this.stream = stream;
    this.#reader?.closed();
    this.#reader = null;
    const asked: unknown[] = [];
    this.#reader = this.live.connected({
      name: 'shop/web-1',
      reporter: () => reporter('web'),
      ask: (request) => (this.#reader === null ? asked.push(request) : this.reporter.asked(request, stream)),
    });
    for (const request of asked) this.reporter.asked(request, stream);
    return this;
  }

  pass(ms: number): void {
    this.clock.advanceSync(ms);
  }

  /** After everything was told. */
  sums(by: readonly Dimension[], where: Partial<Record<Dimension, string>> = {}): Record<string, TrafficSum> {
    this.pass(20 * SECOND_MS);
    const groups = this.live.query({ by, where, lastMs: 10 * MINUTE_MS });
    return Object.fromEntries(groups.map(({ labels, sum }) => [labels.join(' '), sum]));
  }

  served(count: number, status = 200, failure = false, identity = CLIENT): void {
    const client = new InboundPeer('10.1.1.1', identity, true);
    const decision = authorizeConnection(policy, client);
    for (let each = 0; each < count; each++) {
      this.recorder.inboundRequest(policy, client, decision);
      this.recorder.inboundResponse(policy, client, decision, status, NO_GRPC, failure, 3);
    }
  }
}

describe('what a proxy reports', () => {
  it('is what has been counted since the operator asked first, and what is open already', () => {
    const rig = new Rig();
    rig.served(7);
    const open = rig.recorder.transportOpened(inboundLabels('10.1.0.1:8080', peer()));
    rig.recorder.transportRead(open, 500);
    rig.connect();
    expect(rig.sums(['counted'])).to.have.all.keys('connections');
    rig.served(5);
    rig.recorder.transportRead(open, 20);
    const sums = rig.sums(['counted']);
    expect(sums['requests']!.count('success')).to.equal(5);
    const { connections } = sums;
    expect([connections!.count('open'), connections!.count('opened'), connections!.count('readBytes')]).to.deep.equal([
      1, 0, 20,
    ]);
  });

  it('comes at the interval that is asked for, at any time within the first; nothing is told where nothing has happened', () => {
    const rig = new Rig().connect();
    rig.pass(MINUTE_MS);
    expect(rig.sent).to.deep.equal([]);
    const startMs = rig.clock.nowMs();
    for (let second = 0; second < 20; second++) {
      rig.served(1);
      rig.pass(SECOND_MS);
    }
    expect(rig.sent.map((ms) => ms - startMs)).to.deep.equal([5_000, 15_000]);
    rig.live.look();
    rig.sent.length = 0;
    rig.served(1);
    rig.pass(SECOND_MS);
    expect(rig.sent).to.have.lengthOf(1);
  });

  it('ends when the operator asks for nothing more, and requests are counted no longer', () => {
    const rig = new Rig().connect();
    expect(rig.recorder.calls).not.to.equal(null);
    rig.reporter.asked({ type: 'reportTraffic', version: 1, everyMs: 0 }, rig.stream as never);
    expect(rig.recorder.calls).to.equal(null);
    rig.served(1);
    rig.pass(MINUTE_MS);
    expect(rig.sent).to.deep.equal([]);
  });

  it('waits while there is no stream, and is told on the next one, once', () => {
    const rig = new Rig().connect();
    rig.served(3);
    rig.pass(20 * SECOND_MS);
    rig.stream.isOpen = false;
    rig.served(4);
    rig.pass(MINUTE_MS);
    rig.connect();
    expect(rig.sums([])['']!.count('success')).to.equal(7);
    expect(rig.outcomes).to.deep.equal(['taken', 'duplicate', 'taken']);
  });

  it('is not told again where it has long arrived: another replica would count it once more', () => {
    const rig = new Rig().connect();
    rig.served(3);
    rig.pass(20 * SECOND_MS);
    rig.pass(2 * MINUTE_MS);
    rig.connect();
    rig.served(4);
    expect(rig.sums([])['']!.count('success')).to.equal(7);
    expect(rig.outcomes).to.deep.equal(['taken', 'taken']);
  });

  it('counts a series that was forgotten and came back as what it has counted', () => {
    const rig = new Rig().connect();
    for (let turn = 0; turn < 3; turn++) {
      rig.served(2);
      rig.pass(11 * MINUTE_MS);
      rig.recorder.evictIdle(10 * MINUTE_MS);
      // Seconds of the clock are what series age by.
      rig.pass(11 * MINUTE_MS);
      rig.recorder.evictIdle(10 * MINUTE_MS);
    }
    rig.served(5);
    expect(rig.sums([])['']!.count('success')).to.equal(5);
    expect(rig.outcomes.every((outcome) => outcome === 'taken')).to.equal(true);
  });

  it('stays true where the recorder has no room: what comes beyond is counted together', () => {
    const rig = new Rig(2).connect();
    for (let at = 0; at < 5; at++) {
      const client = new InboundPeer('10.1.1.1', `c${at}.shop`, true);
      const decision = authorizeConnection(policy, client);
      rig.recorder.inboundResponse(policy, client, decision, 200, NO_GRPC, false, 3);
    }
    const sums = rig.sums(['peerIdentity', 'overflow']);
    expect(Object.entries(sums).map(([labels, sum]) => [labels, sum.count('success')])).to.deep.equal([
      [' true', 3],
      ['c0.shop ', 1],
      ['c1.shop ', 1],
    ]);
  });

  it('tells requests from denials where the clients of both cannot be told apart any more', () => {
    const rig = new Rig(1).connect();
    rig.served(1, 200, false, 'first.shop');
    const client = peer();
    const closed = entryOf(portPolicy({ server: SERVER, authorizations: [] }));
    rig.served(3);
    rig.recorder.inboundAuthorized('http', closed, client, authorizeConnection(closed, client));
    rig.served(2);
    const sum = rig.sums(['overflow'])['true']!;
    expect([sum.count('success'), sum.count('denied')]).to.deep.equal([5, 1]);
  });

  it('hides no failure behind statuses that are made up: those that find no room are failures', () => {
    const rig = new Rig().connect();
    for (let status = 100; status < 200; status++) rig.served(1, status);
    rig.served(7, 500, true);
    const sums = rig.sums(['overflow']);
    expect([sums['']!.count('success'), sums['']!.count('failure')]).to.deep.equal([64, 0]);
    expect([sums['true']!.count('success'), sums['true']!.count('failure')]).to.deep.equal([0, 43]);
  });

  it('tells what was refused apart: denials by nobody, requests beyond a limit by who may ask', () => {
    const rig = new Rig().connect();
    const limited = { ...policy, limiter: new RateLimiter(FEW) };
    const client = peer();
    const decision = authorizeConnection(policy, client);
    rig.served(4);
    for (let each = 0; each < 6; each++) rig.recorder.inboundRateLimited(limited, client, decision, 'total');
    // One of the application's own.
    rig.served(1, 429);
    const closed = entryOf(portPolicy({ server: SERVER, authorizations: [] }));
    rig.recorder.inboundAuthorized('http', closed, client, authorizeConnection(closed, client));
    const sums = rig.sums(['authorizationName']);
    const all = sums['all']!;
    expect([all.count('success'), all.count('limited'), all.count('denied')]).to.deep.equal([5, 6, 0]);
    expect(all.ended).to.equal(5);
    expect([sums['']!.ended, sums['']!.count('denied')]).to.deep.equal([0, 1]);
  });

  const endpointOf = (name: string, labels: Record<string, string>) =>
    new EndpointState(`${name}:8080`, endpoint('10.0.0.1', { labels }));
  const ROUTE = {
    name: '',
    policy: { origin: { ...DEFAULT_ROUTE, kind: 'HTTPRoute', namespace: 'shop', name: 'all' } },
  };
  const ENTRY = { namespace: 'shop', service: 'web', port: 80, authority: AUTHORITY };
  const LEAF = { meta: { ...DEFAULT_ROUTE, kind: 'Service', namespace: 'shop', name: 'web-v2', port: 80 } };
  /** As much of a call as is looked at. */
  const callOf = (to: EndpointState, more: object = {}): EndedCall =>
    ({
      entry: ENTRY,
      route: ROUTE,
      backend: LEAF,
      endpoint: to,
      error: null,
      retries: 0,
      ...more,
    }) as unknown as EndedCall;

  it('says attempts that got no response apart, by whether their time was over, by route, backend and peer', () => {
    const rig = new Rig().connect();
    const to = endpointOf('web-7', {
      ...{ namespace: 'shop', service: 'web-v2', pod: 'web-7', k8s_job: 'once' },
      ...{ serviceaccount: 'web', zone: 'a' },
    });
    for (const error of ['response timeout', 'i/o', 'connect'] as const) {
      rig.recorder.calls!.attempted(callOf(to, { error }), true, 0);
    }
    rig.recorder.calls!.attempted(callOf(to), true, 3);
    const by = ['peerNamespace', 'peerKind', 'peerName', 'peerPod', 'serviceName', 'routeName', 'backendName'] as const;
    const [[key, sum] = []] = Object.entries(rig.sums(by));
    expect(key).to.equal('shop Job once web-7 web all web-v2');
    expect([sum!.count('failure'), sum!.count('timedOut'), sum!.count('unanswered')]).to.deep.equal([1, 1, 2]);
  });

  it('tells the pods of a workload apart only while there are not too many: workloads, routes and sums are right with thousands', () => {
    const rig = new Rig().connect();
    for (let at = 0; at < 2_000; at++) {
      const labels = { namespace: 'shop', pod: `web-${at}`, deployment: `web-${at % 4}` };
      rig.recorder.calls!.attempted(callOf(endpointOf(`web-${at}`, labels)), false, 3);
    }
    const sums = rig.sums(['peerName', 'routeName', 'overflow']);
    expect(Object.entries(sums).map(([labels, sum]) => [labels, sum.count('success')])).to.deep.equal(
      [0, 1, 2, 3].map((at) => [`web-${at} all `, 500]),
    );
    expect(Object.keys(rig.sums(['peerPod']))).to.have.length.within(200, 300);
  });

  it('counts together what it has no room for, and apart again when there is some', () => {
    const rig = new Rig().connect();
    const pods = Array.from({ length: 1_000 }, (_, at) =>
      endpointOf(`web-${at}`, { namespace: 'shop', pod: `web-${at}` }),
    );
    for (const to of pods) rig.recorder.calls!.attempted(callOf(to), false, 3);
    const sums = rig.sums(['overflow']);
    expect(sums['']!.count('success') + sums['true']!.count('success')).to.equal(1_000);
    expect(sums['true']!.count('success')).to.be.within(480, 500);
    for (let minute = 0; minute < 12; minute++) {
      rig.recorder.calls!.attempted(callOf(pods[999]!), false, 3);
      rig.pass(MINUTE_MS);
    }
    rig.recorder.calls!.attempted(callOf(pods[999]!), false, 3);
    expect(rig.sums(['peerPod'], { overflow: '' })['web-999']!.count('success')).to.be.at.least(1);
  });

  it('goes by what discovery says of an endpoint now', () => {
    const rig = new Rig().connect();
    const to = endpointOf('web-7', { namespace: 'shop', pod: 'web-7', deployment: 'web' });
    rig.recorder.calls!.attempted(callOf(to), false, 3);
    to.renew({ ...to.facts, labels: { ...to.facts.labels, deployment: 'other' } });
    rig.recorder.calls!.attempted(callOf(to), false, 3);
    expect(Object.keys(rig.sums(['peerName'])).toSorted()).to.deep.equal(['other', 'web']);
  });

  it('counts of the two connections that a proxy has for each of its pod that to the other side, and moves what is open when its Server is another', () => {
    const rig = new Rig().connect();
    const to = new EndpointState('10.0.0.1:8080', endpoint('10.0.0.1', { labels: { namespace: 'shop', pod: 'db-0' } }));
    const fromApplication = rig.recorder.transportOpened(outboundLabels('10.0.0.1:80'));
    rig.recorder.transportOpened(dialledLabels('outbound', targetOf(to, 'http1'), to.facts.labels, AUTHORITY));
    const accepted = rig.recorder.transportOpened(inboundLabels('10.1.0.1:8080', peer()));
    rig.recorder.transportOpened(dialledLabels('inbound', targetOf(to, 'http1'), {}, ''));
    rig.recorder.transportWritten(accepted, 70);
    rig.recorder.transportClosed(fromApplication, '');
    const facts = (by: readonly Dimension[]) =>
      Object.entries(rig.sums(by))
        .map(([labels, sum]) => [labels, sum.count('opened'), sum.count('open')] as const)
        .sort();
    expect(facts(['direction', 'peerPod', 'serverName'])).to.deep.equal([
      ['inbound  web', 1, 1],
      ['outbound db-0 ', 1, 1],
    ]);
    rig.server = { ...SERVER, name: 'other' };
    rig.sums([]);
    expect(facts(['serverName'])).to.deep.equal([
      ['', 1, 1],
      ['other', 0, 1],
      ['web', 1, 0],
    ]);
    rig.recorder.transportClosed(accepted, '');
    const sums = rig.sums(['serverName']);
    expect([sums['other']!.count('closed'), sums['other']!.count('open')]).to.deep.equal([1, 0]);
  });

  it('has every text as a label may have it, whatever an identity or a route is called', () => {
    const rig = new Rig().connect();
    const client = new InboundPeer('10.1.1.1', `a"b\\c\nd\u202e${'x'.repeat(400)}`, true);
    rig.recorder.inboundResponse(policy, client, authorizeConnection(policy, client), 200, NO_GRPC, false, 3);
    const [key] = Object.keys(rig.sums(['peerIdentity']));
    expect(key).to.match(/^a"b\\c\ufffdd\ufffdx+$/);
    expect(key).to.have.lengthOf(300);
    expect(rig.outcomes).to.deep.equal(['taken']);
  });
});
