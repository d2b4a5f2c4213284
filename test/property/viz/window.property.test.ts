import { expect } from 'chai';
import fc from 'fast-check';
import { type Dimension, REPORTER_LABELS } from '../../../crds/viz/dimensions.ts';
import { mergeParts, partOf } from '../../../operator/viz/window/part.ts';
import type { Group } from '../../../operator/viz/window/query.ts';
import type { TrafficStream } from '../../../operator/viz/window/traffic-stream.ts';
import { TrafficSum } from '../../../operator/viz/window/traffic-sum.ts';
import { TrafficWindow } from '../../../operator/viz/window/traffic-window.ts';
import { COUNTER, COUNTERS, FIRST_BUCKET } from '../../../proxy-image/contract/traffic/counters.ts';
import { type SeriesLabels, TRAFFIC_LABELS } from '../../../proxy-image/contract/traffic/labels.ts';
import { report, reporter, SECOND_MS, SLOT_MS, START_MS } from '../../unit/viz/fixtures.ts';

const MIB = 1024 * 1024;
const LIMITS = { windowMs: 6 * SLOT_MS, slotMs: SLOT_MS, maxSeries: 1_000, maxCountBytes: 8 * MIB, maxTextBytes: MIB };
const SLOTS = 7;
const FIRST_NUMBER = 6;

const labels: fc.Arbitrary<SeriesLabels> = fc.record({
  direction: fc.constantFrom('inbound', 'outbound'),
  counted: fc.constantFrom('requests', 'attempts', 'connections'),
  serviceName: fc.constantFrom('', 'books', 'authors'),
  routeName: fc.constantFrom('', 'list'),
});

const counters = fc.constantFrom(COUNTER.success, COUNTER.failure, COUNTER.writtenBytes, FIRST_BUCKET, COUNTERS - 1);
/** Octets, of which one slot may get more than 32 bits hold; of all others more than 8, or 16, bits. */
const change = counters.chain((counter) =>
  fc.tuple(
    fc.constant(counter),
    fc.oneof(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 0, max: counter === COUNTER.writtenBytes ? 2 ** 40 : 40_000 }),
    ),
  ),
);

type Step =
  | { act: 'report'; proxy: number; series: number; changes: [number, number][]; agoSlots: number }
  | { act: 'declare'; proxy: number; series: number; labels: SeriesLabels }
  | { act: 'reconnect'; proxy: number }
  | { act: 'wait'; ms: number }
  | { act: 'sweep' };

const proxy = fc.integer({ min: 0, max: 2 });
const series = fc.integer({ min: FIRST_NUMBER, max: FIRST_NUMBER + 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('report' as const),
      proxy,
      series,
      changes: fc.array(change, { maxLength: 4 }),
      agoSlots: fc.integer({ min: 0, max: SLOTS }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('declare' as const), proxy, series, labels }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('reconnect' as const), proxy }) },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 3 * SLOT_MS }) }),
  },
  { weight: 1, arbitrary: fc.constant({ act: 'sweep' as const }) },
);

interface Noted {
  slot: number;
  proxy: number;
  labels: SeriesLabels;
  counter: number;
  count: number;
}

const DIMENSIONS: readonly Dimension[] = [...REPORTER_LABELS, ...TRAFFIC_LABELS];

/** Keeps everything that was ever counted, and adds it up when it is asked. */
class Model {
  readonly noted: Noted[] = [];

  sums(by: readonly Dimension[], firstSlot: number): Map<string, Map<number, number>> {
    const sums = new Map<string, Map<number, number>>();
    for (const { slot, proxy, labels, counter, count } of this.noted) {
      if (slot < firstSlot || count === 0) continue;
      const all: Partial<Record<Dimension, string>> = { ...reporter(`app-${proxy}`), ...labels };
      const key = by.map((dimension) => all[dimension] ?? '').join('|');
      const sum = sums.get(key) ?? new Map<number, number>();
      sums.set(key, sum.set(counter, (sum.get(counter) ?? 0) + count));
    }
    return sums;
  }
}

class Driver {
  readonly window = new TrafficWindow(LIMITS);
  readonly model = new Model();
  nowMs = START_MS + 3 * SECOND_MS;
  readonly #streams: TrafficStream[] = [0, 1, 2].map((at) => this.window.connected(reporter(`app-${at}`)));
  readonly #declared: Map<number, SeriesLabels>[] = [new Map(), new Map(), new Map()];
  #seq = 0;

  run(step: Step): void {
    if (step.act === 'wait') this.nowMs += step.ms;
    else if (step.act === 'sweep') this.window.sweep(this.nowMs, 10);
    else if (step.act === 'reconnect') this.#reconnect(step.proxy);
    else if (step.act === 'declare') this.#declare(step.proxy, step.series, step.labels);
    else this.#report(step);
  }

  #reconnect(proxy: number): void {
    this.#streams[proxy]!.close();
    this.#streams[proxy] = this.window.connected(reporter(`app-${proxy}`));
    this.#declared[proxy]!.clear();
  }

  #declare(proxy: number, number: number, labels: SeriesLabels): void {
    this.#seq += 1;
    this.#streams[proxy]!.take(report({ seq: this.#seq, declared: [[number, labels]] }), this.nowMs);
    this.#declared[proxy]!.set(number, labels);
  }

  #report({ proxy, series, changes, agoSlots }: Step & { act: 'report' }): void {
    this.#seq += 1;
    const agoMs = agoSlots * SLOT_MS;
    const message = report({ seq: this.#seq, agoMs, changed: [[series, ...changes.flat()]] });
    const { verdict, undeclared } = this.#streams[proxy]!.take(message, this.nowMs);
    expect(verdict).to.equal(agoSlots >= SLOTS ? 'late' : 'taken');
    const labels = this.#declared[proxy]!.get(series);
    expect(undeclared).to.equal(verdict === 'taken' && labels === undefined ? 1 : 0);
    if (verdict !== 'taken' || labels === undefined) return;
    const slot = Math.floor((this.nowMs - agoMs) / SLOT_MS);
    for (const [counter, count] of changes) this.model.noted.push({ slot, proxy, labels, counter, count });
  }

  compare(by: readonly Dimension[], lastSlots: number): void {
    const groups = this.window.query({ by, where: {}, lastMs: lastSlots * SLOT_MS }, this.nowMs);
    const expected = this.model.sums(by, Math.floor(this.nowMs / SLOT_MS) - lastSlots);
    const found = new Map(groups.map(({ labels, sum }) => [labels.join('|'), countsOf(sum)]));
    expect(found).to.deep.equal(expected);
  }
}

function countsOf({ numbers }: TrafficSum): Map<number, number> {
  return new Map([...numbers.subarray(0, COUNTERS).entries()].filter(([, count]) => count > 0));
}

function sorted(groups: readonly Group[]): unknown[] {
  return groups.map(({ labels, sum }) => [labels.join('|'), [...sum.numbers]]).sort();
}

describe('the window', () => {
  it('is a list of all that was counted, added up: late reports, new declarations, new streams, sweeps and time included', () => {
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const driver = new Driver();
      for (const each of steps) {
        driver.run(each);
        driver.compare(DIMENSIONS, 6);
      }
      driver.compare(['serviceName'], 1);
      driver.compare(['namespace', 'name', 'direction'], 3);
      driver.compare([], 6);
    });
    fc.assert(property, { numRuns: 150 });
  });

  it('is empty in memory again when all proxies have gone and the window is over', () => {
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const driver = new Driver();
      const before = driver.window.figures();
      for (const each of steps) driver.run(each);
      for (const proxy of [0, 1, 2]) driver.run({ act: 'reconnect', proxy });
      driver.run({ act: 'wait', ms: LIMITS.windowMs + SLOT_MS });
      driver.run({ act: 'sweep' });
      const { series, texts } = driver.window.figures();
      expect([series, texts]).to.deep.equal([before.series, before.texts]);
    });
    fc.assert(property, { numRuns: 100 });
  });
});

const sum: fc.Arbitrary<TrafficSum> = fc
  .array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 41, maxLength: 41 })
  .map((numbers) => new TrafficSum(Float64Array.from(numbers)));
const groupsOf = fc
  .uniqueArray(fc.constantFrom('books', 'authors', 'web', ''), { maxLength: 4 })
  .chain((names) => fc.tuple(...names.map((name) => sum.map((of): Group => ({ labels: [name], sum: of })))));

describe('parts of several replicas', () => {
  const by = ['name'] as const;
  const part = (replica: string, groups: readonly Group[]): unknown =>
    JSON.parse(JSON.stringify(partOf(replica, by, groups)));

  it('are merged to the same in whatever order, and in whatever steps', () => {
    const property = fc.property(groupsOf, groupsOf, groupsOf, (a, b, c) => {
      const parts = [part('a', a), part('b', b), part('c', c)];
      const all = sorted(mergeParts(['a', 'b', 'c'], by, parts).groups);
      expect(sorted(mergeParts(['c', 'a', 'b'], by, parts.toReversed()).groups)).to.deep.equal(all);
      const first = mergeParts(['a', 'b'], by, parts.slice(0, 2)).groups;
      expect(sorted(mergeParts(['ab', 'c'], by, [part('ab', first), parts[2]]).groups)).to.deep.equal(all);
      const last = mergeParts(['b', 'c'], by, parts.slice(1)).groups;
      expect(sorted(mergeParts(['a', 'bc'], by, [parts[0], part('bc', last)]).groups)).to.deep.equal(all);
    });
    fc.assert(property);
  });

  it('lose nothing on their way', () => {
    fc.assert(
      fc.property(groupsOf, (groups) => {
        const { groups: merged, missing } = mergeParts(['a'], by, [part('a', groups)]);
        expect(sorted(merged)).to.deep.equal(sorted(groups));
        expect(missing).to.deep.equal([]);
      }),
    );
  });

  it('are refused whole where anything is wrong with them, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.jsonValue(), groupsOf, (junk, groups) => {
        const good = part('a', groups);
        const bad = [junk, { replica: 'b', by, groups: junk }, { version: 1, replica: 'b', by, groups: [junk] }];
        expect(sorted(mergeParts(['a', 'b'], by, [...bad, good]).groups)).to.deep.equal(sorted(groups));
      }),
    );
  });
});
