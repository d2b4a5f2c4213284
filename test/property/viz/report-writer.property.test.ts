import { expect } from 'chai';
import fc from 'fast-check';
import type { TrafficStream } from '../../../operator/viz/window/traffic-stream.ts';
import { TrafficWindow } from '../../../operator/viz/window/traffic-window.ts';
import { checkTrafficReport } from '../../../proxy-image/contract/traffic/check.ts';
import { COUNTER, COUNTERS } from '../../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES, type SeriesLabels } from '../../../proxy-image/contract/traffic/labels.ts';
import type { TrafficReport } from '../../../proxy-image/contract/traffic/report.ts';
import { ReportWriter } from '../../../proxy-image/io/telemetry/traffic/report-writer.ts';
import { CALLS_BOOKS, reporter, SECOND_MS, SLOT_MS, START_MS } from '../../unit/viz/fixtures.ts';

const ROUTES = 6;
/** Room for four of them at a time. */
const MAX_SERIES = OVERFLOW_SERIES.length + 4;
const TEN_MINUTES_MS = 60 * SLOT_MS;

type Step =
  | { act: 'count'; route: number; counter: number; by: number }
  | { act: 'open'; route: number; by: number }
  | { act: 'close'; route: number }
  | { act: 'report' }
  | { act: 'break'; swallowed: boolean };

const route = fc.nat({ max: ROUTES - 1 });
const growth = fc.oneof(
  fc.record({ counter: fc.constantFrom(COUNTER.success, COUNTERS - 1), by: fc.nat({ max: 100_000 }) }),
  fc.record({ counter: fc.constant(COUNTER.readBytes), by: fc.integer({ min: 0, max: 2 ** 40 }) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(route, growth)
      .map(([route, { counter, by }]) => ({ act: 'count' as const, route, counter, by })),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('open' as const), route, by: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('close' as const), route }) },
  { weight: 4, arbitrary: fc.constant({ act: 'report' as const }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('break' as const), swallowed: fc.boolean() }) },
);

/** A proxy, its stream, and the window behind it; beside it what was counted. */
class Pair {
  readonly window = new TrafficWindow();
  readonly counted = new Map<number, number>();
  readonly #writer = new ReportWriter('run-1', MAX_SERIES);
  readonly #numbers = new Map<number, number>();
  /** Connections by number of their series. */
  readonly #open = new Map<number, number>();
  #stream: TrafficStream = this.window.connected(reporter('web'));
  /** On its way: it may never arrive. */
  #sent: TrafficReport | null = null;
  nowMs = START_MS;

  run(step: Step): void {
    this.nowMs += SECOND_MS;
    if (step.act === 'count') {
      this.#writer.count(this.#numberOf(step.route), step.counter, step.by);
      this.counted.set(step.counter, (this.counted.get(step.counter) ?? 0) + step.by);
    } else if (step.act === 'open') this.#opened(this.#numberOf(step.route), step.by);
    else if (step.act === 'close') this.#close(step.route);
    else if (step.act === 'report') this.report();
    else this.#break(step.swallowed);
  }

  get open(): number {
    return [...this.#open.values()].reduce((sum, count) => sum + count, 0);
  }

  #numberOf(route: number): number {
    const known = this.#numbers.get(route);
    if (known !== undefined) return known;
    const labels: SeriesLabels = { ...CALLS_BOOKS, routeName: `route-${route}` };
    const number = this.#writer.open(labels);
    this.#numbers.set(route, number);
    return number;
  }

  #opened(number: number, by: number): void {
    this.#writer.opened(number, by);
    this.#open.set(number, (this.#open.get(number) ?? 0) + by);
  }

  #close(route: number): void {
    const number = this.#numbers.get(route);
    this.#numbers.delete(route);
    if (number === undefined || number < OVERFLOW_SERIES.length) return;
    this.#writer.close(number);
    this.#open.delete(number);
  }

  report(): void {
    this.#arrive(this.#sent);
    this.#sent = this.#writer.report(SECOND_MS);
  }

  /** All that is on its way has arrived. */
  settle(): void {
    this.report();
    this.report();
    this.#arrive(this.#sent);
    this.#sent = null;
  }

  #break(swallowed: boolean): void {
    if (!swallowed) this.#arrive(this.#sent);
    this.#sent = null;
    const before = this.#stream;
    this.#stream = this.window.connected(reporter('web'));
    this.#arrive(this.#writer.connected(SECOND_MS));
    before.close();
  }

  #arrive(sent: TrafficReport | null): void {
    if (sent === null) return;
    const { report, problems } = checkTrafficReport(JSON.parse(JSON.stringify(sent)));
    expect(problems).to.deep.equal([]);
    const { undeclared } = this.#stream.take(report!, this.nowMs);
    expect(undeclared).to.equal(0);
  }
}

describe('reports of a proxy', () => {
  it('bring all that was counted to the window, once: more series than there is room for, closed ones, and broken streams included', () => {
    const property = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const pair = new Pair();
      for (const each of steps) pair.run(each);
      pair.settle();
      const sum = pair.window.query({ by: [], where: {}, lastMs: TEN_MINUTES_MS }, pair.nowMs)[0]?.sum;
      for (const [counter, count] of pair.counted) expect(sum?.numbers[counter] ?? 0).to.equal(count);
      expect(sum?.count('open') ?? 0).to.equal(pair.open);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('say nothing when nothing has changed, and declare a series once', () => {
    const writer = new ReportWriter('run-1');
    expect(writer.report(SECOND_MS)).to.equal(null);
    const number = writer.open(CALLS_BOOKS);
    writer.count(number, COUNTER.success, 2);
    const first = { type: 'traffic', version: 1, run: 'run-1', overMs: SECOND_MS, agoMs: 0 };
    const changed = [[number, COUNTER.success, 2]];
    expect(writer.report(SECOND_MS)).to.deep.equal({ ...first, seq: 1, declared: [[number, CALLS_BOOKS]], changed });
    expect(writer.report(SECOND_MS)).to.equal(null);
    writer.count(number, COUNTER.success, 2);
    expect(writer.report(SECOND_MS)).to.deep.equal({ ...first, seq: 2, declared: [], changed });
    writer.close(number);
    expect(writer.report(SECOND_MS)).to.deep.equal({ ...first, seq: 3, declared: [[number, null]], changed: [] });
  });
});
