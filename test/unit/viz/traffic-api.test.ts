import { createServer, type Server } from 'node:net';
import { expect } from 'chai';
import { DIMENSIONS } from '../../../crds/viz/dimensions.ts';
import { type TrafficItem, type TrafficQuestion, trafficParameters } from '../../../crds/viz/traffic-list.ts';
import { readTrafficQuestion } from '../../../crds/viz/traffic-question.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { Pace } from '../../../operator/viz/api/pace.ts';
import { type OtherReplica, replicaClient } from '../../../operator/viz/api/replica-client.ts';
import { TRAFFIC_PART_PATH, type TrafficOptions, trafficPart, trafficRow } from '../../../operator/viz/api/traffic.ts';
import { TrafficWindow } from '../../../operator/viz/window/traffic-window.ts';
import { COUNTER, FIRST_BUCKET } from '../../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES } from '../../../proxy-image/contract/traffic/labels.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { AggregatedApi, leafOf } from '../../support/aggregated-api.ts';
import { createTestAuthority, type TestAuthority } from '../../support/certificates.ts';
import { OPERATOR_IDENTITY } from '../../support/control-plane.ts';
import { CALLS_BOOKS, report, reporter } from './fixtures.ts';

const TRAFFIC = '/apis/viz.weft.dev/v1alpha1/namespaces/shop/traffic';
const WHOLE = '/apis/viz.weft.dev/v1alpha1/traffic';
const ONE = 'where.direction=outbound&where.counted=requests';
const FIRST = OVERFLOW_SERIES.length;

/** A replica of the control plane with the numbers of one proxy each of the workloads named. */
class Replica {
  readonly name: string;
  readonly api: AggregatedApi;
  looked = 0;
  others: OtherReplica[] = [];
  readonly failed: string[] = [];

  /** `deadlineMs`: long enough for one process to be all replicas on a busy machine. */
  constructor(
    name: string,
    mesh: TestAuthority,
    successes: Readonly<Record<string, number>> | null,
    deadlineMs = 3_000,
  ) {
    this.name = name;
    const window = new TrafficWindow();
    const startMs = performance.now();
    for (const [workload, count] of Object.entries(successes ?? {})) {
      const changed = [[FIRST, COUNTER.success, count, FIRST_BUCKET + 3, count]];
      window
        .connected(reporter(workload))
        .take(report({ overMs: 10_000, declared: [[FIRST, CALLS_BOOKS]], changed }), startMs);
    }
    const credentials = leafOf(mesh.issuer, OPERATOR_IDENTITY);
    const options: TrafficOptions = {
      replica: name,
      live:
        successes === null
          ? null
          : { query: (query) => window.query(query, performance.now()), look: () => this.#look() },
      askReplicas: replicaClient({
        others: () => this.others,
        mesh: () => ({ ...credentials, anchorsPem: mesh.anchorsPem }),
        ownIdentity: () => OPERATOR_IDENTITY,
        deadlineMs,
        failed: (replica) => this.failed.push(replica),
      }),
      pace: new Pace(systemClock),
    };
    this.api = new AggregatedApi({
      rows: [trafficRow(options)],
      replicaPaths: { [TRAFFIC_PART_PATH]: trafficPart(options) },
      mesh,
    });
  }

  #look(): void {
    this.looked += 1;
  }

  get asOther(): OtherReplica {
    return { name: this.name, address: '127.0.0.1', port: this.api.port, ready: true };
  }
}

describe('aggregated API: traffic', () => {
  const replicas: Replica[] = [];
  const silent: Server[] = [];

  /** Each knows all the others. */
  async function start(
    ...all: [name: string, successes: Readonly<Record<string, number>> | null][]
  ): Promise<Replica[]> {
    const mesh = createTestAuthority(Date.now(), 'mesh.test');
    const started = all.map(([name, successes]) => new Replica(name, mesh, successes));
    for (const each of started) await each.api.start();
    for (const each of started) each.others = started.filter((other) => other !== each).map(({ asOther }) => asOther);
    replicas.push(...started);
    return started;
  }

  /** Of a server that takes connections and says nothing. */
  async function mutedPort(): Promise<number> {
    const mute = createServer(() => undefined).listen(0, '127.0.0.1');
    silent.push(mute);
    await new Promise((resolve) => mute.once('listening', resolve));
    return (mute.address() as { port: number }).port;
  }

  afterEach(async () => {
    for (const { api } of replicas.splice(0)) await api.stop();
    for (const server of silent.splice(0)) server.close();
  });

  const counts = (items: readonly TrafficItem[]) =>
    Object.fromEntries(items.map(({ labels, counts: { success }, proxies }) => [labels.join('/'), [success, proxies]]));

  it('is put together as asked, and each question marks that somebody looks', async () => {
    const [replica] = await start(['a', { web: 50, api: 7 }]);
    const { status, json } = await replica!.api.askAs(
      'jane',
      `${TRAFFIC}?by=name,direction&where.counted=requests&seconds=600`,
    );
    expect(status).to.equal(200);
    expect(json).to.deep.include({
      apiVersion: 'viz.weft.dev/v1alpha1',
      kind: 'TrafficList',
      metadata: {},
      by: ['name', 'direction'],
      seconds: 600,
      missing: [],
    });
    expect(counts(json.items)).to.deep.equal({ 'web/outbound': [50, 1], 'api/outbound': [7, 1] });
    expect(Object.keys(json.items[0].counts)).to.deep.equal(Object.keys(COUNTER));
    expect(json.items[0].latencyMs.p50).to.be.a('number');
    expect(replica!.looked).to.equal(1);
  });

  it('is a table for whoever asks for columns', async () => {
    const [replica] = await start(['a', { web: 50 }]);
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const { json } = await replica!.api.askAs('jane', `${TRAFFIC}?by=name&${ONE}&seconds=600&limit=500`, {
      headers: { accept },
    });
    expect(json).to.deep.include({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(json.columnDefinitions.map(({ name }: { name: string }) => name)).to.deep.equal([
      'name',
      'Success',
      'RPS',
      'P50',
      'P95',
      'P99',
    ]);
    expect(json.rows).to.have.length(1);
    expect(json.rows[0].cells.slice(0, 2)).to.deep.equal(['web', '100.00%']);
    expect(json.rows[0].object).to.deep.equal({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { name: 'web' },
    });
  });

  it('of a namespace is of nothing else, by whoever reports it or by whose Service is called', async () => {
    const [replica] = await start(['a', { web: 50 }]);
    const names = async (path: string) => counts((await replica!.api.askAs('jane', path)).json.items);
    const elsewhere = TRAFFIC.replace('/shop/', '/bank/');
    expect(await names(`${elsewhere}?by=name&${ONE}`)).to.deep.equal({});
    expect(await names(`${elsewhere}?by=name&${ONE}&owner=service`)).to.deep.equal({});
    expect(await names(`${TRAFFIC}?by=name&${ONE}&owner=service`)).to.deep.equal({ web: [50, 1] });
    expect(await names(`${WHOLE}?by=name&${ONE}`)).to.deep.equal({ web: [50, 1] });
    const widened = await replica!.api.askAs('jane', `${elsewhere}?by=name&${ONE}&where.namespace=shop`);
    expect([widened.status, widened.json.message]).to.deep.equal([
      400,
      'where.namespace is another namespace than that of the path, "bank"',
    ]);
  });

  it('is filtered by texts that have a question mark, escaped or not', async () => {
    const [replica] = await start(['a', { web: 50 }]);
    for (const mark of ['?', '%3F']) {
      const { json } = await replica!.api.askAs('jane', `${TRAFFIC}?by=name&${ONE}&where.routeName=list${mark}`);
      expect(json.items, mark).to.deep.equal([]);
    }
  });

  it('says what of a question is wrong', async () => {
    const [replica] = await start(['a', { web: 50 }]);
    const wrong: Record<string, RegExp> = {
      'by=name,colour': /no dimension "colour"/,
      'by=name,name': /twice/,
      'by=name': /sums over several of direction mean nothing/,
      'by=name,direction': /sums over several of counted mean nothing/,
      'seconds=0': /1 to 600/,
      'seconds=601': /1 to 600/,
      'seconds=1e2': /1 to 600/,
      'owner=me': /reporter or service/,
      'where.colour=red': /no dimension "colour"/,
      'where.__proto__=x': /no dimension/,
      'by=name&by=pod': /twice/,
      'sort=name': /no parameter "sort"/,
      [`where.name=${'x'.repeat(301)}`]: /longer/,
    };
    for (const [query, message] of Object.entries(wrong)) {
      const { status, json } = await replica!.api.askAs('jane', `${TRAFFIC}?${query}`);
      expect(status, query).to.equal(400);
      expect(json.message, query).to.match(message);
    }
    expect((await replica!.api.askAs('jane', `${TRAFFIC}?limit=500&resourceVersion=0`)).status).to.equal(200);
  });

  it('is of the proxies of all replicas, whichever is asked, and all of them know that somebody looks', async () => {
    const all = await start(['a', { web: 50 }], ['b', { web: 20, api: 1 }], ['c', {}]);
    for (const { api } of all) {
      const { json } = await api.askAs('jane', `${TRAFFIC}?by=name&${ONE}&seconds=600`);
      expect(counts(json.items)).to.deep.equal({ web: [70, 2], api: [1, 1] });
      expect(json.missing).to.deep.equal([]);
    }
    expect(all.map(({ looked }) => looked)).to.deep.equal([3, 3, 3]);
  });

  it('is had from a replica without proxies too', async () => {
    const [apart] = await start(['apart', null], ['a', { web: 50 }]);
    const { json } = await apart!.api.askAs('jane', `${TRAFFIC}?by=name&${ONE}&seconds=600`);
    expect(counts(json.items)).to.deep.equal({ web: [50, 1] });
    expect(json.missing).to.deep.equal([]);
  });

  it('names the replicas whose part is missing: gone, silent, of an older release, of another mesh', async () => {
    const [asked] = await start(['a', { web: 50 }], ['b', { web: 20 }]);
    const stranger = await new AggregatedApi({
      replicaPaths: {
        [TRAFFIC_PART_PATH]: async () => ({ version: 1, replica: 'stranger', by: ['name'], groups: [] }),
      },
    }).start();
    const mutePort = await mutedPort();
    const other = (name: string, port: number | null, ready = true): OtherReplica => ({
      name,
      address: '127.0.0.1',
      port,
      ready,
    });
    asked!.others.push(
      other('gone', 1),
      other('silent', mutePort),
      other('old', null),
      other('stranger', stranger.port),
      other('starting', 1, false),
    );
    const { json } = await asked!.api.askAs('jane', `${TRAFFIC}?by=name&${ONE}&seconds=600`);
    expect(counts(json.items)).to.deep.equal({ web: [70, 2] });
    expect(json.missing).to.deep.equal(['gone', 'old', 'silent', 'stranger']);
    expect(asked!.failed.toSorted()).to.deep.equal(json.missing);
    await stranger.stop();
  });

  it('waits for a silent replica no longer than its deadline', async () => {
    const asked = new Replica('a', createTestAuthority(Date.now(), 'mesh.test'), { web: 50 }, 300);
    replicas.push(asked);
    await asked.api.start();
    asked.others = [{ name: 'silent', address: '127.0.0.1', port: await mutedPort(), ready: true }];
    const startMs = performance.now();
    const { json } = await asked.api.askAs('jane', `${TRAFFIC}?by=name&${ONE}&seconds=600`);
    expect(performance.now() - startMs).to.be.lessThan(1_000);
    expect([counts(json.items), json.missing]).to.deep.equal([{ web: [50, 1] }, ['silent']]);
  });
});

describe('a question about traffic', () => {
  it('is read from a URL as it was written', () => {
    const questions: TrafficQuestion[] = [
      { by: [], where: { direction: 'inbound', counted: 'attempts' }, seconds: 1, owner: 'service' },
      { by: DIMENSIONS, where: { routeName: 'GET /a?b=c&d,é', namespace: '' }, seconds: 600, owner: 'reporter' },
    ];
    for (const question of questions) {
      const parameters = new URLSearchParams(String(new URLSearchParams(trafficParameters(question))));
      expect(readTrafficQuestion(parameters)).to.deep.equal({ question, problem: null });
    }
  });
});

describe('pace of questions', () => {
  it('leaves three quarters of the time to others, and makes the first wait for nothing', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    const begunMs: number[] = [];
    const work = () => {
      begunMs.push(clock.nowMs());
      clock.advanceSync(10);
    };
    const questions = Array.from({ length: 4 }, () => pace.run(work, new AbortController().signal));
    await clock.advance(200);
    await Promise.all(questions);
    expect(begunMs).to.deep.equal([0, 40, 80, 120]);
  });

  it('forgets who leaves before its turn', async () => {
    let nowMs = 0;
    const pace = new Pace({ ...systemClock, nowMs: () => nowMs });
    await pace.run(() => (nowMs += 60_000), new AbortController().signal);
    const left = AbortSignal.timeout(10);
    let ran = false;
    const outcome = await pace.run(() => (ran = true), left).catch((error: Error) => error.name);
    expect([outcome, ran]).to.deep.equal(['TimeoutError', false]);
  });
});
