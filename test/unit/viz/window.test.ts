import { expect } from 'chai';
import { BY } from '../../../crds/viz/dimensions.ts';
import { SeriesTable } from '../../../operator/viz/window/series-table.ts';
import type { TrafficStream } from '../../../operator/viz/window/traffic-stream.ts';
import { DEFAULT_WINDOW, TrafficWindow } from '../../../operator/viz/window/traffic-window.ts';
import { COUNTER, COUNTERS, FIRST_BUCKET } from '../../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES } from '../../../proxy-image/contract/traffic/labels.ts';
import { MAX_BYTES } from '../../../proxy-image/contract/traffic/report.ts';
import { CALLS_BOOKS, report, reporter, SECOND_MS, SLOT_MS, START_MS, total } from './fixtures.ts';

const MINUTE_MS = 60 * SECOND_MS;
/** Rows that are made at a time, and octets of a row by its width. */
const CHUNK = 256;
const WIDE_BYTES = 62 * 4;
const NARROW_BYTES = 61 + 4;
/** The first number that a proxy may declare. */
const FIRST = OVERFLOW_SERIES.length;

describe('the window of traffic', () => {
  const window = () => new TrafficWindow();

  it('shares out a report over the slots that it was counted in: a minute is a minute, wherever the reports fall', () => {
    const live = window();
    const stream = live.connected(reporter('web'));
    // Ten requests a second, reported every 10 s, in the middle of a slot.
    for (let seq = 1; seq <= 30; seq++) {
      const declared: [number, typeof CALLS_BOOKS][] = seq === 1 ? [[FIRST, CALLS_BOOKS]] : [];
      const message = report({ seq, overMs: SLOT_MS, declared, changed: [[FIRST, COUNTER.success, 100]] });
      stream.take(message, START_MS + seq * SLOT_MS + 4 * SECOND_MS);
    }
    const nowMs = START_MS + 30 * SLOT_MS + 8 * SECOND_MS;
    const sum = total(live, nowMs, MINUTE_MS)!;
    // Of the time since 60 s before the slot that has begun, the last report told until 4 s ago.
    expect(sum.count('success')).to.equal(640);
    expect(sum.seconds).to.equal(64);
    expect(sum.requestRate).to.equal(10);
    expect(sum.successRate).to.equal(1);
  });

  it('says the rate of a workload that began a moment ago, over the time that was asked for', () => {
    const live = window();
    const stream = live.connected(reporter('web'));
    const message = report({
      overMs: SECOND_MS,
      declared: [[FIRST, CALLS_BOOKS]],
      changed: [[FIRST, COUNTER.success, 60]],
    });
    stream.take(message, START_MS + SECOND_MS);
    expect(total(live, START_MS + SECOND_MS, MINUTE_MS)!.requestRate).to.be.closeTo(1, 0.05);
  });

  it('counts nothing twice, whatever comes again or out of order, and takes a proxy that has started anew', () => {
    const live = window();
    const before = live.connected(reporter('web'));
    const declared: [number, typeof CALLS_BOOKS][] = [[FIRST, CALLS_BOOKS]];
    const told = (run: string, seq: number) => report({ run, seq, declared, changed: [[FIRST, COUNTER.success, 1]] });
    const verdicts = [1, 3, 2, 2, 3, 40, 9, 8].map((seq) => before.take(told('a', seq), START_MS).verdict);
    expect(verdicts).to.deep.equal([
      'taken',
      'taken',
      'taken',
      'duplicate',
      'duplicate',
      'taken',
      'taken',
      'duplicate',
    ]);
    // The connection broke; what it may have swallowed is sent again on the next.
    before.close();
    const after = live.connected(reporter('web'));
    expect(after.take(told('a', 40), START_MS).verdict).to.equal('duplicate');
    expect(after.take(told('b', 1), START_MS).verdict).to.equal('taken');
    expect(total(live, START_MS, MINUTE_MS)!.count('success')).to.equal(6);
    expect(live.figures().series).to.equal(FIRST + 1);
  });

  it('puts a late report where it belongs, and refuses one that is older than the window', () => {
    const live = window();
    const stream = live.connected(reporter('web'));
    const told = (seq: number, agoMs: number) =>
      report({ seq, agoMs, declared: [[FIRST, CALLS_BOOKS]], changed: [[FIRST, COUNTER.success, 1]] });
    expect(stream.take(told(1, 0), START_MS).verdict).to.equal('taken');
    expect(stream.take(told(2, 5 * MINUTE_MS), START_MS).verdict).to.equal('taken');
    expect(stream.take(told(3, 11 * MINUTE_MS), START_MS).verdict).to.equal('late');
    expect(total(live, START_MS, MINUTE_MS)!.count('success')).to.equal(1);
    expect(total(live, START_MS, 10 * MINUTE_MS)!.count('success')).to.equal(2);
  });

  it('leaves out what came before the window of a report that tells of a long time', () => {
    const live = window();
    const stream = live.connected(reporter('web'));
    const changed = [[FIRST, COUNTER.success, 1_200]];
    stream.take(report({ overMs: 20 * MINUTE_MS, declared: [[FIRST, CALLS_BOOKS]], changed }), START_MS);
    expect(total(live, START_MS, 10 * MINUTE_MS)!.count('success')).to.equal(600);
    expect(total(live, START_MS, MINUTE_MS)!.count('success')).to.equal(60);
  });

  it('says what is open now: by the newest report, until the connection of the proxy ends', () => {
    const live = window();
    const stream = live.connected(reporter('web'));
    const open = (seq: number, count: number) =>
      report({ seq, declared: [[FIRST, CALLS_BOOKS]], changed: [[FIRST, COUNTER.open, count]] });
    const isOpen = (nowMs = START_MS) => total(live, nowMs, MINUTE_MS)?.count('open') ?? 0;
    stream.take(open(5, 7), START_MS);
    stream.take(open(4, 3), START_MS);
    expect(isOpen()).to.equal(7);
    live.sweep(START_MS + 60 * MINUTE_MS, 1);
    expect(isOpen(START_MS + 60 * MINUTE_MS)).to.equal(7);
    // Back on a new connection before the old one is known to be dead: its end takes nothing away.
    const next = live.connected(reporter('web'));
    expect(isOpen()).to.equal(0);
    next.take(open(6, 2), START_MS);
    stream.close();
    expect(isOpen()).to.equal(2);
    next.close();
    expect(isOpen()).to.equal(0);
  });

  it('takes nothing any more from a stream that has ended', () => {
    const live = window();
    const stream = live.connected(reporter('web'));
    stream.close();
    const message = report({ declared: [[FIRST, CALLS_BOOKS]], changed: [[FIRST, COUNTER.success, 1]] });
    expect(stream.take(message, START_MS).verdict).to.equal('closed');
    expect(live.figures().series).to.equal(FIRST);
  });

  it('names what a change of an undeclared number leaves out, and counts the rest', () => {
    const live = window();
    const stream = live.connected(reporter('web'));
    const changed = [
      [FIRST, COUNTER.success, 1],
      [FIRST + 1, COUNTER.success, 1],
      [0, COUNTER.success, 1],
    ];
    const outcome = stream.take(report({ declared: [[FIRST, CALLS_BOOKS]], changed }), START_MS);
    expect(outcome).to.deep.equal({ verdict: 'taken', undeclared: 1 });
    expect(total(live, START_MS, MINUTE_MS)!.count('success')).to.equal(2);
    expect(total(live, START_MS, MINUTE_MS, { overflow: 'true', pod: 'web-1' })!.count('success')).to.equal(1);
  });

  /** Reports of one request by each of so many series. */
  function oneEach(live: TrafficWindow, series: number): TrafficStream {
    const stream = live.connected(reporter('web'));
    for (let number = FIRST; number < FIRST + series; number++) {
      const declared: [number, typeof CALLS_BOOKS][] = [[number, { ...CALLS_BOOKS, routeName: `route-${number}` }]];
      stream.take(report({ seq: number, declared, changed: [[number, COUNTER.success, 1]] }), START_MS);
    }
    return stream;
  }

  const TOGETHER = { overflow: 'true', direction: 'outbound', counted: 'requests' };

  it('counts together the series for which there is no room, and loses none of them', () => {
    const live = new TrafficWindow({ ...DEFAULT_WINDOW, maxSeries: FIRST + 2 });
    oneEach(live, 10);
    expect(total(live, START_MS, MINUTE_MS)!.count('success')).to.equal(10);
    expect(total(live, START_MS, MINUTE_MS, TOGETHER)!.count('success')).to.equal(8);
    expect(live.figures().overflowed).to.equal(8);
  });

  it('counts together the series whose names there is no room for', () => {
    const live = new TrafficWindow({ ...DEFAULT_WINDOW, maxTextBytes: 5_000 });
    oneEach(live, 100);
    const together = total(live, START_MS, MINUTE_MS, TOGETHER)!.count('success');
    expect(together).to.be.within(60, 99);
    expect(total(live, START_MS, MINUTE_MS)!.count('success')).to.equal(100);
    expect(live.figures().texts * 100).to.be.at.most(5_000);
  });

  it('counts together what the memory has no room for, and loses nothing of it: new counts, and those that grow', () => {
    const maxCountBytes = CHUNK * (WIDE_BYTES + NARROW_BYTES);
    const live = new TrafficWindow({ ...DEFAULT_WINDOW, maxCountBytes });
    const stream = oneEach(live, CHUNK + 10);
    const sum = () => total(live, START_MS, MINUTE_MS)!.count('success');
    const together = () => total(live, START_MS, MINUTE_MS, TOGETHER)!.count('success');
    expect([sum(), together(), live.figures().overflowed]).to.deep.equal([CHUNK + 10, 10, 10]);
    // Wide ones: what is left of the chunk in which the sums are.
    const left = CHUNK - FIRST * (COUNTERS + 2);
    for (let number = FIRST; number < FIRST + left + 5; number++) {
      stream.take(report({ seq: 1_000 + number, changed: [[number, COUNTER.success, 100_000]] }), START_MS);
    }
    expect(sum()).to.equal(CHUNK + 10 + (left + 5) * 100_000);
    expect(together()).to.equal(10 + 5 * 100_000);
    expect(live.figures().bytes).to.be.at.most(maxCountBytes + 512 * 300);
  });

  it('takes no more memory for a series than it says, all counters counting; and gives it up when the window is over', () => {
    const live = window();
    const stream = live.connected(reporter('web'));
    const empty = live.figures();
    const series = 500;
    const counters = Array.from({ length: COUNTERS }, (_, counter) => counter).filter((each) => each !== COUNTER.open);
    const pairs = counters.flatMap((counter) => [
      counter,
      counter === COUNTER.readBytes || counter === COUNTER.writtenBytes ? MAX_BYTES : 1,
    ]);
    for (let number = FIRST; number < FIRST + series; number++) {
      const declared: [number, typeof CALLS_BOOKS][] = [[number, { ...CALLS_BOOKS, routeName: `route-${number}` }]];
      stream.take(report({ seq: number, declared, changed: [[number, ...pairs]] }), START_MS);
    }
    const most = SeriesTable.mostBytesPerSeries(live.slots.count);
    expect(most).to.equal(10_456);
    // Memory is taken in chunks, one of each width begun; room for labels is doubled.
    const begun = CHUNK * (WIDE_BYTES + NARROW_BYTES) + 512 * 300;
    expect(live.figures().bytes - empty.bytes).to.be.at.most(series * most + begun);
    expect(total(live, START_MS, MINUTE_MS)!.count('readBytes')).to.equal(series * MAX_BYTES);
    stream.close();
    live.sweep(START_MS + 11 * MINUTE_MS, 1);
    expect(live.figures()).to.include({ proxies: 0, series: empty.series });
    expect(live.table.counts.inUse).to.equal(FIRST * (COUNTERS + 2));
  });

  for (const [of, most, bytes] of [
    ['quiet', 15, 750],
    ['usual', 255, 1_150],
    ['busy', 65_535, 2_048],
  ] as const) {
    it(`takes no more than ${bytes} octets for a ${of} series: a dozen counters, which count up to ${most} in a slot`, () => {
      const live = window();
      const stream = live.connected(reporter('web'));
      const series = 500;
      const before = live.figures().bytes;
      const pairs = Array.from({ length: 12 }, (_, counter) => [counter, most]).flat();
      for (let number = FIRST; number < FIRST + series; number++) {
        const declared: [number, typeof CALLS_BOOKS][] = [[number, { ...CALLS_BOOKS, routeName: `route-${number}` }]];
        stream.take(report({ seq: number, declared, changed: [[number, ...pairs]] }), START_MS);
      }
      // Rows are made by the chunk.
      expect(live.figures().bytes - before).to.be.at.most(series * bytes + 3 * CHUNK * 130);
    });
  }

  for (const [what, most, padding] of [
    ['numbers', 1_024, ''],
    ['texts', 512 * 1024, 'x'.repeat(250)],
  ] as const) {
    it(`lets a proxy that makes up labels take its own room, by ${what}, and not that of others`, () => {
      const live = window();
      const liar = live.connected(reporter('liar'));
      const label = (number: number) => ({
        ...CALLS_BOOKS,
        routeName: `${padding}${number}`,
        peerName: `${padding}-${number}`,
      });
      const before = live.figures();
      for (let seq = 1; seq <= 3_000; seq++) {
        liar.take(report({ seq, declared: [[FIRST, label(seq)]], changed: [[FIRST, COUNTER.success, 1]] }), START_MS);
      }
      const { series, texts, overflowed } = live.figures();
      expect(series - before.series).to.be.within(400, 1_024);
      expect((texts - before.texts) * Math.max(1, padding.length)).to.be.at.most(Math.max(most, 2_100));
      expect(overflowed).to.be.at.least(1_000);
      expect(total(live, START_MS, MINUTE_MS)!.count('success')).to.equal(3_000);
      const honest = live.connected(reporter('web'));
      honest.take(report({ declared: [[FIRST, CALLS_BOOKS]], changed: [[FIRST, COUNTER.success, 7]] }), START_MS);
      expect(total(live, START_MS, MINUTE_MS, { name: 'web' })!.count('success')).to.equal(7);
      // What it has made up is gone with the window, and it may go on.
      live.sweep(START_MS + 11 * MINUTE_MS, 2);
      liar.take(
        report({ seq: 3_001, declared: [[FIRST, label(1)]], changed: [[FIRST, COUNTER.success, 1]] }),
        START_MS + 11 * MINUTE_MS,
      );
      const mine = total(live, START_MS + 11 * MINUTE_MS, MINUTE_MS, { name: 'liar' });
      expect(mine!.count('success')).to.equal(1);
    });
  }

  it('frees the counts of a series that is idle for the window, while its number stands for it', () => {
    const live = window();
    const stream = live.connected(reporter('web'));
    const told = (seq: number, declared: [number, typeof CALLS_BOOKS][]) =>
      report({ seq, declared, changed: [[FIRST, COUNTER.success, 1]] });
    stream.take(told(1, [[FIRST, CALLS_BOOKS]]), START_MS);
    const rows = live.table.counts.inUse;
    const laterMs = START_MS + 11 * MINUTE_MS;
    live.sweep(laterMs, 1);
    expect(live.table.counts.inUse).to.equal(rows - 1);
    stream.take(told(2, []), laterMs);
    expect(total(live, laterMs, MINUTE_MS, { serviceName: 'books' })!.count('success')).to.equal(1);
  });

  it('answers by workload, service, route, Server, authorization and edge', () => {
    const live = window();
    const inbound = {
      direction: 'inbound',
      counted: 'requests',
      tls: 'true',
      peerIdentity: 'web.shop',
      serverKind: 'Server',
      serverName: 'books-http',
      serverPort: '8080',
      routeKind: 'HTTPRoute',
      routeName: 'list',
      authorizationKind: 'AuthorizationPolicy',
      authorizationName: 'web-may',
    } as const;
    const edge = {
      direction: 'outbound',
      counted: 'connections',
      tls: 'true',
      peerNamespace: 'shop',
      peerKind: 'Deployment',
      peerName: 'books',
      peerIdentity: 'books.shop',
    } as const;
    const from = live.connected(reporter('web'));
    from.take(
      report({
        declared: [
          [FIRST, CALLS_BOOKS],
          [FIRST + 1, edge],
        ],
        changed: [
          [FIRST, COUNTER.success, 3, COUNTER.timedOut, 1, FIRST_BUCKET, 2, FIRST_BUCKET + 1, 1],
          [FIRST + 1, COUNTER.opened, 1, COUNTER.open, 1, COUNTER.readBytes, 500],
        ],
      }),
      START_MS,
    );
    const to = live.connected(reporter('books'));
    to.take(
      report({ declared: [[FIRST, inbound]], changed: [[FIRST, COUNTER.success, 3, COUNTER.denied, 2]] }),
      START_MS,
    );
    const ask = (by: keyof typeof BY, where: object) =>
      live.query({ by: BY[by], where, lastMs: MINUTE_MS }, START_MS).map(({ labels, sum }) => ({ labels, sum }));
    const requests = { counted: 'requests' };
    expect(ask('workload', requests).map(({ labels }) => labels)).to.deep.equal([
      ['shop', 'Deployment', 'web'],
      ['shop', 'Deployment', 'books'],
    ]);
    const [byRoute] = ask('route', { ...requests, direction: 'outbound' });
    expect(byRoute!.labels).to.deep.equal(['shop', 'books', '80', 'HTTPRoute', '', 'list']);
    expect([byRoute!.sum.successRate, byRoute!.sum.latencyMs(0.5)]).to.deep.equal([0.75, 0.75]);
    const [byServer] = ask('server', { ...requests, direction: 'inbound' });
    expect(byServer!.labels).to.deep.equal(['shop', 'Server', 'books-http', '8080']);
    expect([byServer!.sum.count('denied'), byServer!.sum.ended]).to.deep.equal([2, 3]);
    expect(ask('authorization', { serverName: 'books-http' })[0]!.labels.slice(-2)).to.deep.equal([
      'AuthorizationPolicy',
      'web-may',
    ]);
    const [byEdge] = ask('edge', { counted: 'connections' });
    expect(byEdge!.labels).to.deep.equal([
      ...['shop', 'Deployment', 'web', 'web.shop.serviceaccount.identity.local'],
      ...['shop', 'Deployment', 'books', 'books.shop', 'true', ''],
    ]);
    expect([byEdge!.sum.count('open'), byEdge!.sum.proxies]).to.deep.equal([1, 1]);
    expect(ask('service', { serviceName: 'nobody' })).to.deep.equal([]);
    expect(ask('namespace', requests)).to.have.length(1);
  });
});
