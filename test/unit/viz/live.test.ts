import { expect } from 'chai';
import type { Reporter } from '../../../crds/viz/dimensions.ts';
import { LiveTraffic, LOOK_MS } from '../../../operator/viz/live-traffic.ts';
import type { ConnectedProxy, ReportOutcome } from '../../../operator/viz/reported-proxy.ts';
import { COUNTER } from '../../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES } from '../../../proxy-image/contract/traffic/labels.ts';
import { TRAFFIC_VERSION } from '../../../proxy-image/contract/traffic/report.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { CALLS_BOOKS, report, reporter, SECOND_MS, START_MS } from './fixtures.ts';

const FIRST = OVERFLOW_SERIES.length;
const USUAL_MS = 10_000;
const WATCHED_MS = 1_000;

class FakeProxy implements ConnectedProxy {
  readonly name: string;
  readonly asked: number[] = [];
  owner: Reporter | null;

  constructor(name: string, owner: Reporter | null = reporter(name)) {
    this.name = `shop/${name}`;
    this.owner = owner;
  }

  reporter(): Reporter | null {
    return this.owner;
  }

  ask({ everyMs, version }: { everyMs: number; version: number }): void {
    expect(version).to.equal(TRAFFIC_VERSION);
    this.asked.push(everyMs);
  }
}

describe('live numbers of the operator', () => {
  const outcomes: { proxy: string; outcome: ReportOutcome; leftOut: readonly string[] }[] = [];
  let clock: FakeClock;
  let live: LiveTraffic;

  beforeEach(async () => {
    outcomes.length = 0;
    clock = new FakeClock({ nowMs: START_MS });
    const reported = ({ name }: ConnectedProxy, outcome: ReportOutcome, leftOut: readonly string[]) => {
      outcomes.push({ proxy: name, outcome, leftOut });
    };
    live = new LiveTraffic({ clock, observer: { reported } });
    await live.start();
  });

  const told = (seq: number, count = 5) =>
    report({ seq, declared: [[FIRST, CALLS_BOOKS]], changed: [[FIRST, COUNTER.success, count]] });

  it('asks each proxy that connects for a report every 10 s, every second while somebody looks, and every 10 s again', () => {
    const web = new FakeProxy('web');
    live.connected(web);
    expect(web.asked).to.deep.equal([USUAL_MS]);
    live.look();
    expect(web.asked).to.deep.equal([USUAL_MS, WATCHED_MS]);
    const late = new FakeProxy('late');
    live.connected(late);
    expect(late.asked).to.deep.equal([WATCHED_MS]);
    clock.advanceSync(LOOK_MS / 2);
    live.look();
    clock.advanceSync(LOOK_MS - SECOND_MS);
    expect(live.watched).to.equal(true);
    expect(web.asked).to.deep.equal([USUAL_MS, WATCHED_MS]);
    clock.advanceSync(2 * SECOND_MS);
    expect(live.watched).to.equal(false);
    expect(web.asked).to.deep.equal([USUAL_MS, WATCHED_MS, USUAL_MS]);
    expect(late.asked).to.deep.equal([WATCHED_MS, USUAL_MS]);
  });

  it('asks a crowd bit by bit, and everybody once', () => {
    const proxies = Array.from({ length: 600 }, (_, at) => new FakeProxy(`web-${at}`));
    for (const proxy of proxies) live.connected(proxy);
    live.look();
    const asked = () => proxies.filter((proxy) => proxy.asked.at(-1) === WATCHED_MS).length;
    expect(asked()).to.be.within(1, 300);
    clock.advanceSync(1);
    expect(asked()).to.equal(600);
    expect(proxies.every((proxy) => proxy.asked.length === 2)).to.equal(true);
  });

  it('asks a proxy as soon as its pod is known, and takes nothing from it before', () => {
    const web = new FakeProxy('web', null);
    const reader = live.connected(web);
    reader.received(told(1));
    expect(web.asked).to.deep.equal([]);
    expect(outcomes).to.deep.equal([{ proxy: 'shop/web', outcome: 'unknown_pod', leftOut: [] }]);
    web.owner = reporter('web');
    clock.advanceSync(SECOND_MS);
    expect(web.asked).to.deep.equal([USUAL_MS]);
    reader.received(told(1));
    expect(outcomes.at(-1)!.outcome).to.equal('taken');
  });

  it('answers by whose proxy it is as the connection says: what a report says of that is not looked at', () => {
    const reader = live.connected(new FakeProxy('web'));
    const forged = { ...told(1), namespace: 'bank', name: 'vault', pod: 'vault-1', reporter: reporter('vault') };
    reader.received({ ...forged, declared: [[FIRST, { ...CALLS_BOOKS, namespace: 'bank', name: 'vault' }]] });
    const groups = live.query({ by: ['namespace', 'kind', 'name', 'pod', 'identity'], where: {}, lastMs: USUAL_MS });
    expect(groups.map(({ labels }) => labels)).to.deep.equal([Object.values(reporter('web'))]);
    expect(groups[0]!.sum.count('success')).to.equal(5);
  });

  it('leaves out what is no report, of a newer version, or one too many, and says so: the others count', () => {
    const reader = live.connected(new FakeProxy('web'));
    reader.received({ type: 'traffic', version: TRAFFIC_VERSION, run: 7 });
    reader.received({ ...told(1), version: TRAFFIC_VERSION + 1 });
    reader.received({
      ...told(1),
      changed: [
        [FIRST, COUNTER.success, 5],
        [FIRST, COUNTER.success, -5],
        [99, 0, 1],
      ],
    });
    const [refused, newer, taken] = outcomes;
    expect(refused).to.deep.include({ outcome: 'refused', leftOut: ['run: expected a text of at most 64'] });
    expect(newer).to.deep.include({ outcome: 'newer', leftOut: [] });
    expect(taken!.outcome).to.equal('taken');
    expect(taken!.leftOut).to.have.lengthOf(2);
    for (let seq = 2; seq < 100; seq++) reader.received(told(seq));
    expect(outcomes.at(-1)!.outcome).to.equal('too_many');
    const other = live.connected(new FakeProxy('books'));
    other.received(told(1));
    expect(outcomes.at(-1)).to.deep.include({ proxy: 'shop/books', outcome: 'taken' });
  });

  it('keeps what a proxy that has gone has counted as long as the window, and forgets it then', () => {
    const reader = live.connected(new FakeProxy('web'));
    reader.received(told(1));
    reader.closed();
    expect(live.figures()).to.include({ proxies: 1 });
    clock.advanceSync(5 * 60 * SECOND_MS);
    expect(live.query({ by: [], where: {}, lastMs: 600 * SECOND_MS })[0]!.sum.count('success')).to.equal(5);
    clock.advanceSync(8 * 60 * SECOND_MS);
    expect(live.figures()).to.include({ proxies: 0, series: OVERFLOW_SERIES.length });
  });

  it('stops for good', async () => {
    live.connected(new FakeProxy('web'));
    live.look();
    await live.stop();
    expect(clock.timers).to.equal(0);
  });
});
