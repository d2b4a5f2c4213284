import { expect } from 'chai';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { LiveTraffic } from '../../../operator/viz/live-traffic.ts';
import type { ReportOutcome } from '../../../operator/viz/reported-proxy.ts';
import { COUNTER } from '../../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES, type SeriesLabels } from '../../../proxy-image/contract/traffic/labels.ts';
import {
  TRAFFIC_VERSION,
  type TrafficReport,
  type TrafficRequest,
} from '../../../proxy-image/contract/traffic/report.ts';
import { pod } from '../../support/models.ts';
import type { ProxyClient } from './proxy-client.ts';
import { identityOf, ServeBench } from './serve-bench.ts';

const FIRST = OVERFLOW_SERIES.length;
const CALLS: SeriesLabels = { direction: 'outbound', counted: 'requests', serviceName: 'books' };
const REPORTER = ['namespace', 'kind', 'name', 'pod', 'identity'] as const;

function report(seq: number, fields: object = {}): TrafficReport {
  const declared: TrafficReport['declared'] = [[FIRST, CALLS]];
  const changed = [[FIRST, COUNTER.success, 5]];
  const head = { type: 'traffic', version: TRAFFIC_VERSION, run: 'a', seq, overMs: 1_000, agoMs: 0 } as const;
  return { ...head, declared, changed, ...fields };
}

function asked(client: ProxyClient): number[] {
  const requests = client.messages.filter((message): message is TrafficRequest => message.type === 'reportTraffic');
  return requests.map(({ everyMs }) => everyMs);
}

describe('configuration stream: reports of traffic', () => {
  let bench: ServeBench;
  let live: LiveTraffic;
  let outcomes: ReportOutcome[] = [];

  beforeEach(async () => {
    outcomes = [];
    live = new LiveTraffic({ clock: systemClock, observer: { reported: (_proxy, outcome) => outcomes.push(outcome) } });
    await live.start();
  });

  afterEach(async () => {
    await live.stop();
    await bench.stop();
  });

  async function start(): Promise<void> {
    bench = await ServeBench.start({ reports: live });
  }

  const counted = () =>
    live
      .query({ by: REPORTER, where: {}, lastMs: 60_000 })
      .map(({ labels, sum }) => [labels.join(' '), sum.count('success')]);

  it('are asked of each proxy, and count for the workload of its pod as this side knows it, whatever they say', async () => {
    await start();
    bench.change(bench.cluster.apply('Pod', pod('web-1', '10.1.0.1', { owner: { kind: 'Deployment', name: 'web' } })));
    const client = await bench.proxy();
    await client.until(() => asked(client).length > 0);
    expect(asked(client)).to.deep.equal([10_000]);
    live.look();
    await client.until(() => asked(client).length > 1);
    expect(asked(client)).to.deep.equal([10_000, 1_000]);
    const forged = { namespace: 'bank', name: 'vault', pod: 'vault-1', identity: identityOf('vault', 'bank') };
    client.send(report(1, { ...forged, declared: [[FIRST, { ...CALLS, ...forged }]] }));
    await client.settled();
    expect(counted()).to.deep.equal([[`app Deployment web web-1 ${identityOf('web', 'app')}`, 5]]);
  });

  it('of a pod without an owner count for the pod', async () => {
    await start();
    bench.change(bench.cluster.apply('Pod', pod('web-1', '10.1.0.1', { owner: { kind: '', name: '' } })));
    const client = await bench.proxy();
    client.send(report(1));
    await client.settled();
    expect(counted()).to.deep.equal([[`app Pod web-1 web-1 ${identityOf('web', 'app')}`, 5]]);
  });

  it('of an impostor do not count: neither for the pod that it claims nor for its own', async () => {
    await start();
    const client = await bench.connect('db', 'app');
    client.hello('app', 'web-1');
    client.send(report(1));
    expect((await client.ended())?.code).to.equal('WEFT_SERVE_IDENTITY');
    expect(outcomes).to.deep.equal([]);
    expect(counted()).to.deep.equal([]);
    expect(live.figures().proxies).to.equal(0);
  });

  it('of a pod that is not in the store yet are asked for when it comes; a stranger under its name never counts', async () => {
    await start();
    const client = await bench.connect('web', 'app');
    const stranger = await bench.connect('db', 'app');
    client.hello('app', 'web-9');
    stranger.hello('app', 'web-8');
    for (const each of [client, stranger]) {
      each.send(report(1));
      await each.settled();
      expect(asked(each)).to.deep.equal([]);
    }
    expect(counted()).to.deep.equal([]);
    for (const [at, name] of ['web-8', 'web-9'].entries())
      bench.change(bench.cluster.apply('Pod', pod(name, `10.1.0.${8 + at}`)));
    await stranger.ended();
    await client.until(() => asked(client).length > 0, 'being asked');
    client.send(report(1));
    await client.settled();
    expect(counted().map(([, count]) => count)).to.deep.equal([5]);
    expect(outcomes).to.deep.equal(['unknown_pod', 'unknown_pod', 'taken']);
  });

  it('that come again on a new connection do not count again', async () => {
    await start();
    const before = await bench.proxy();
    before.send(report(1));
    await before.settled();
    const after = await bench.proxy();
    after.send(report(1, { agoMs: 500 }));
    after.send(report(2));
    await after.settled();
    expect(outcomes).to.deep.equal(['taken', 'duplicate', 'taken']);
    expect(counted().map(([, count]) => count)).to.deep.equal([10]);
  });

  it('are not asked for without the role, and not looked at: the connection goes on', async () => {
    bench = await ServeBench.start();
    const client = await bench.proxy();
    client.send(report(1));
    await client.settled();
    expect(asked(client)).to.deep.equal([]);
    expect(client.closed).to.equal(false);
    expect(live.figures().proxies).to.equal(0);
  });
});
