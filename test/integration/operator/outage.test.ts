import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { REFLECTION } from '../../../lib/reflection.ts';
import { BACKEND_MISSING } from '../../../proxy-image/contract/policy/backend.ts';
import { COUNTER } from '../../../proxy-image/contract/traffic/counters.ts';
import { TRAFFIC_VERSION } from '../../../proxy-image/contract/traffic/report.ts';
import { TcpRelay } from '../../chaos/tcp-relay.ts';
import { service as fakeService, SERVICES, type Watching, watching } from '../../fakes/watching.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import type { ProxyClient } from '../serve/proxy-client.ts';
import { Cluster, Plane } from './plane.ts';

const NAMESPACE = 'outage';
/** The client's own `Watch` ends what is quiet for 30 s. */
const LONGER_THAN_THE_CLIENT_WAITS_MS = 31_000;
const IDLE_MS = 2_000;
/** So much longer that seventeen kinds find their watches again in between, on a busy machine too. */
const STALE_MS = 8_000;
const LONGEST_PAUSE_MS = 1_600;

let quiet: Watching;
/** How often it had been opened after that time, and when it had brought an event then. */
let quietOutcome: Promise<[silent: number, eventful: number]>;

async function afterSilence(): Promise<[silent: number, eventful: number]> {
  const opened = (): number => quiet.api.watches(SERVICES).length;
  await sleep(LONGER_THAN_THE_CLIENT_WAITS_MS, undefined, { ref: false });
  const silent = opened();
  quiet.api.objects.put(SERVICES, fakeService('late'));
  await eventually('the event', () => quiet.seen.includes('+late'));
  return [silent, opened()];
}

// Outside of the suite, which is before the first one of the run: for half a minute nothing is to happen, and the others use the time.
before(async () => {
  quiet = await watching();
  quiet.informer.start();
  await eventually('a quiet watch', () => quiet.api.openWatches === 1);
  quietOutcome = afterSilence();
  // The test that asks for it says what has failed.
  quietOutcome.catch(() => {});
});
after(() => quiet?.close());

function service() {
  return { spec: { selector: { app: 'x' }, ports: [{ name: 'http', port: 80 }] } };
}

describe('operator while the API server is away', function () {
  this.timeout(90_000);
  let api: TestApiServer;
  let relay: TcpRelay;
  let cluster: Cluster;
  let plane: Plane;
  let proxy: ProxyClient;
  let key: string;
  let round = 0;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    relay = await new TcpRelay(api.port).start();
    cluster = new Cluster(api);
    await cluster.apply('namespaces', '', NAMESPACE, {});
    await cluster.create(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: 'default' } });
    const times = ['--watch-idle-timeout-ms', String(IDLE_MS), '--stale-after-ms', String(STALE_MS)];
    const election = ['--lease-ms', '60000', '--renew-deadline-ms', '50000'];
    // One outage follows the other here: the pauses of an operator that has failed so often would grow to half a minute.
    const timing = { backoff: { ...REFLECTION.backoff, maxMs: LONGEST_PAUSE_MS } };
    plane = new Plane(api, 'op-0', { url: relay.url, flags: [...times, ...election], timing });
    await (await plane.start()).ready();
    await cluster.apply('pods', NAMESPACE, 'client', { spec: { containers: [{ name: 'app', image: 'app' }] } });
    for (const name of ['web', 'web-v1', 'web-v2']) await cluster.apply('services', NAMESPACE, name, service());
    const web = await cluster.get('services', NAMESPACE, 'web');
    key = `service/${(web['spec'] as { clusterIP: string }).clusterIP}:80`;
    proxy = await plane.proxy(NAMESPACE, 'client');
    proxy.send({ type: 'subscribe', keys: [key] });
    await proxy.until(() => proxy.held.has(key), 'the service');
  });

  after(async () => {
    await proxy?.close();
    await plane?.stop();
    await cluster?.close();
    await relay?.stop();
    await api?.stop();
  });

  afterEach(() => expect(plane.lost).to.deep.equal([]));

  /** A change that the operator may not see at once. */
  async function change(): Promise<string> {
    round += 1;
    const weight = 1_000 + round;
    await cluster.apply('trafficsplits', NAMESPACE, 'web', {
      spec: {
        service: 'web',
        backends: [
          { service: 'web-v1', weight },
          { service: 'web-v2', weight: 1 },
        ],
      },
    });
    return String(weight * 1_000);
  }

  async function arrives(weight: string, withinMs: number): Promise<void> {
    await eventually(`weight ${weight} at the proxy`, () => JSON.stringify(proxy.body(key)).includes(weight), withinMs);
  }

  function stillServes(weight: string): void {
    expect(JSON.stringify(proxy.body(key))).to.contain(weight);
    expect(proxy.closed).to.equal(false);
  }

  let reported = 0;

  /** Role `viz` asks the proxy, whose pod it knows, and takes what it tells. */
  async function countsReports(): Promise<void> {
    await proxy.until(() => proxy.messages.some(({ type }) => type === 'reportTraffic'), 'being asked');
    expect(proxy.messages).to.deep.include({ type: 'reportTraffic', version: TRAFFIC_VERSION, everyMs: 10_000 });
    reported += 1;
    const head = {
      type: 'traffic',
      version: TRAFFIC_VERSION,
      run: 'a',
      seq: reported,
      overMs: 1_000,
      agoMs: 0,
    } as const;
    proxy.send({ ...head, declared: [], changed: [[0, COUNTER.success, 1]] });
    const taken = () => plane.metric('weft_traffic_reports_total{outcome="taken"}');
    await eventually('the report counts', async () => (await taken()) === reported);
    expect(await plane.metric('weft_traffic_proxies')).to.equal(1);
  }

  it('asks proxies for reports of their traffic', () => countsReports());

  it('passes a change on while all is well', async () => {
    await arrives(await change(), 2_000);
  });

  it('notices connections that went silent, and gets what it missed, without being unready', async () => {
    const before = await change();
    await arrives(before, 2_000);
    relay.freezeOpen();
    const missed = await change();
    stillServes(before);
    await arrives(missed, IDLE_MS + 4_000);
    const { status, text } = await plane.readiness();
    expect(status, text).to.equal(200);
    expect(await plane.metric('weft_cache_watch_restarts_total{kind="trafficsplits",reason="idle"}')).to.be.at.least(1);
    expect(await plane.metric('weft_cache_missed_events_total{kind="trafficsplits"}')).to.equal(0);
  });

  it('recovers from cut connections', async () => {
    const before = await plane.metric('weft_cache_watch_restarts_total{kind="trafficsplits",reason="error"}');
    relay.cut();
    await arrives(await change(), 5_000);
    const after = await plane.metric('weft_cache_watch_restarts_total{kind="trafficsplits",reason="error"}');
    expect(after).to.be.above(before);
  });

  it('shows staleness in readiness and metrics, keeps serving what it has, and loses nothing', async () => {
    const before = await change();
    await arrives(before, 2_000);
    relay.freeze();
    const missed = await change();
    const objects = await plane.metric('weft_cache_objects{kind="services"}');
    const line = '[-] cache of trafficsplits: the API server has been silent for';
    const stale = async () => (await plane.readiness()).text.includes(line);
    await eventually('the stale cache is named', stale, STALE_MS + 4_000);
    expect((await plane.readiness()).status).to.equal(503);
    expect(await plane.metric('weft_config_stale_stores')).to.be.at.least(1);
    expect(await plane.metric('weft_cache_stale{kind="trafficsplits"}')).to.equal(1);
    await countsReports();
    expect(await plane.metric('weft_cache_objects{kind="services"}'), 'no store is emptied').to.equal(objects);
    stillServes(before);
    relay.thaw();
    await arrives(missed, 20_000);
    await plane.ready(40_000);
    await eventually('fresh', async () => (await plane.metric('weft_config_stale_stores')) === 0, 40_000);
  });

  it('survives an API server that is stopped (SIGSTOP) for longer than the watchdog waits', async () => {
    const before = await change();
    await arrives(before, 2_000);
    await api.pause();
    try {
      await eventually('not ready', async () => (await plane.readiness()).status === 503, STALE_MS + 4_000);
      stillServes(before);
    } finally {
      api.resume();
    }
    await arrives(await change(), 20_000);
    await plane.ready(40_000);
  });

  it('goes on after a restart of the API server, and sees what changed meanwhile', async () => {
    const before = await change();
    await arrives(before, 2_000);
    relay.freeze();
    relay.cut();
    // What is left of it at the operator is the same whatever ends it: its connections were cut before.
    await api.restart('SIGKILL');
    const missed = await change();
    await cluster.delete('services', NAMESPACE, 'web-v2');
    stillServes(before);
    relay.thaw();
    relay.cut();
    await arrives(missed, 40_000);
    await eventually('the deletion', () => JSON.stringify(proxy.body(key)).includes(BACKEND_MISSING.message), 40_000);
    await plane.ready(40_000);
    await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Ready', 'False', 40_000);
    await cluster.apply('services', NAMESPACE, 'web-v2', service());
  });

  it('neither its proxies were cut nor its handlers failed in all of this', async () => {
    expect(proxy.closed).to.equal(false);
    expect(await plane.metric('weft_cache_handler_errors_total{kind="trafficsplits"}')).to.equal(0);
    expect(await plane.metric('weft_cache_missed_events_total{kind="services"}')).to.equal(0);
  });

  it('nor was a watch without any event given up, that has the default watchdog', async () => {
    expect(await quietOutcome).to.deep.equal([1, 1]);
  });
});
