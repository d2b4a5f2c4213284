import { expect } from 'chai';
import {
  above,
  againstBefore,
  either,
  figureOf,
  limit,
  type Measurement,
  median,
  quantile,
  times,
  worstFigureOf,
} from '../../bench/figures.ts';
import { readOptions } from '../../bench/options.ts';
import { figures, formatTable } from '../../bench/report.ts';

const CPU: Measurement = {
  row: 'P1',
  what: 'CPU per request',
  unit: 'us',
  samples: { weft: [20, 30, 22], haproxy: [10, 20, 20], nginx: [11, 12, 13] },
  rival: 'haproxy',
  bars: [times(1.5, 'haproxy')],
  stretch: null,
};

const THROUGHPUT: Measurement = {
  ...CPU,
  row: 'P9',
  what: 'throughput',
  unit: 'Gb/s',
  better: 'higher',
  samples: { weft: [9, 9.5], haproxy: [10, 10], direct: [40, 40] },
  bars: [times(0.9, 'haproxy')],
  stretch: times(1.1, 'haproxy'),
};

describe('figures of the benchmark', () => {
  it('are medians, with the ratio taken round by round', () => {
    const figure = figureOf(CPU);
    expect(figure).to.deep.equal({
      row: 'P1',
      what: 'CPU per request',
      unit: 'us',
      better: 'lower',
      ours: 22,
      rivals: { haproxy: 20, nginx: 12 },
      // 2, 1.5 and 1.1: the ratio of the medians would be 1.1.
      ratio: 1.5,
      ratios: { haproxy: 1.5, nginx: 1.818 },
      bar: '<= 1.5 x haproxy',
      holds: true,
      stretch: null,
      stretchReached: null,
    });
  });

  it('keep one of several bars: a limit, or so much more than what stands beside', () => {
    const bars = [either(limit(16), above(10, 'watch event'))];
    const of = (weft: number[], beside: number[]) =>
      figureOf({ ...CPU, unit: 'ms', rival: null, bars, samples: { weft, 'watch event': beside } });
    expect(of([15], [1])).to.deep.include({ bar: '<= 16 ms or <= watch event + 10 ms', holds: true });
    expect(of([30], [20]).holds).to.equal(true);
    expect(of([30], [19.9]).holds).to.equal(false);
    expect(of([30], []).holds).to.equal(false);
    expect(of([], [20]).holds).to.equal(false);
  });

  it('miss a ratio that is above its bar', () => {
    const figure = figureOf({ ...CPU, samples: { ...CPU.samples, weft: [20, 31, 30] } });
    expect(figure.ratio).to.be.greaterThan(1.5);
    expect(figure.holds).to.equal(false);
  });

  it('hold against an earlier commit at 1.03 times its cost, where it took part and there is a bar', () => {
    const beside = (before: number[]) =>
      figureOf(againstBefore({ ...CPU, samples: { ...CPU.samples, 'weft-before': before } }));
    expect(beside([20, 29.2, 21.5])).to.include({ bar: '<= 1.5 x haproxy, <= 1.03 x weft-before', holds: true });
    expect(beside([19, 28, 21]).holds).to.equal(false);
    const faster = againstBefore({ ...THROUGHPUT, samples: { ...THROUGHPUT.samples, 'weft-before': [9.2, 9.7] } });
    expect(figureOf(faster)).to.include({ bar: '>= 0.9 x haproxy, >= 0.971 x weft-before', holds: true });
    expect(againstBefore(CPU)).to.equal(CPU);
    const reported = { ...CPU, bars: [], samples: { ...CPU.samples, 'weft-before': [1, 1, 1] } };
    expect(againstBefore(reported).bars).to.deep.equal([]);
  });

  it('hold only when all of their bars do', () => {
    const samples = { ...CPU.samples, envoy: [60, 60, 60] };
    const both = (ofEnvoy: number) => figureOf({ ...CPU, samples, bars: [...CPU.bars, times(ofEnvoy, 'envoy')] });
    expect(both(0.5)).to.include({ bar: '<= 1.5 x haproxy, <= 0.5 x envoy', holds: true });
    expect(both(0.5).ratios).to.include({ envoy: 0.3667 });
    expect(both(0.3).holds).to.equal(false);
  });

  it('tell whether the stretch is reached, which no bar depends on', () => {
    expect(figureOf({ ...CPU, stretch: times(1.5, 'haproxy') })).to.include({ stretchReached: true, holds: true });
    expect(figureOf({ ...CPU, stretch: times(1, 'haproxy') })).to.include({
      stretch: '<= 1 x haproxy',
      stretchReached: false,
      holds: true,
    });
    expect(figureOf({ ...CPU, stretch: times(1, 'envoy') }).stretchReached).to.equal(null);
  });

  it('have lower limits where more is better, and the least as the worst round', () => {
    expect(figureOf(THROUGHPUT)).to.include({ better: 'higher', ratio: 0.925, bar: '>= 0.9 x haproxy', holds: true });
    expect(figureOf(THROUGHPUT)).to.include({ stretch: '>= 1.1 x haproxy', stretchReached: false });
    expect(figureOf({ ...THROUGHPUT, bars: [times(0.95, 'haproxy')] }).holds).to.equal(false);
    expect(worstFigureOf(THROUGHPUT)).to.include({ ours: 9, bar: null, stretch: null });
  });

  it('hold a fixed limit against the median of ours', () => {
    const memory: Measurement = { ...CPU, samples: { weft: [10] }, bars: [limit(10)] };
    expect(figureOf(memory)).to.include({ bar: '<= 10 us', holds: true, ratio: null });
    expect(figureOf({ ...memory, samples: { weft: [10.1] } }).holds).to.equal(false);
  });

  it('do not hold a bar that could not be judged', () => {
    expect(figureOf({ ...CPU, samples: { weft: [20] } }).holds).to.equal(false);
    expect(figureOf({ ...CPU, samples: { haproxy: [20] } }).holds).to.equal(false);
    expect(figureOf({ ...CPU, samples: { weft: [], haproxy: [] } }).holds).to.equal(false);
  });

  it('hold where there is nothing to hold', () => {
    expect(figureOf({ ...CPU, bars: [] })).to.include({ bar: null, holds: true });
  });

  it('have no ratio to a difference that came out at nothing', () => {
    const added: Measurement = { ...CPU, samples: { weft: [0.2, 0.3], haproxy: [-0.1, 0.1] }, bars: [] };
    expect(figureOf(added).ratio).to.be.closeTo(3, 1e-9);
    expect(figureOf({ ...added, samples: { weft: [0.2], haproxy: [0] } }).ratio).to.equal(null);
  });

  it('name the worst round of each contender in an entry without a bar', () => {
    const worst = worstFigureOf(CPU);
    expect(worst).to.include({ what: 'CPU per request, worst round', ours: 30, bar: null, holds: true });
    expect(worst?.rivals).to.deep.equal({ haproxy: 20, nginx: 13 });
    expect(worstFigureOf({ ...CPU, samples: { weft: [1], haproxy: [1] } })).to.equal(null);
  });

  it('are written with exactly the promised fields', () => {
    for (const figure of figures([CPU])) {
      expect(Object.keys(figure)).to.deep.equal([
        'row',
        'what',
        'unit',
        'better',
        'ours',
        'rivals',
        'ratio',
        'ratios',
        'bar',
        'holds',
        'stretch',
        'stretchReached',
      ]);
    }
  });
});

describe('the table of figures', () => {
  // Columns are as wide as the terminal's library wants: only words count.
  const words = (...measurements: Measurement[]) => formatTable(measurements).replace(/\s+/g, ' ');

  it('has a verdict on every bar and on the stretch', () => {
    const table = words({ ...CPU, bars: [...CPU.bars, times(1, 'nginx')], stretch: times(1, 'envoy') });
    expect(table).to.include('<= 1.5 x haproxy: holds').and.include('<= 1 x nginx: MISSED');
    expect(table).to.include('<= 1 x envoy: not judged');
    expect(table).to.include('1.50 x haproxy').and.include('1.82 x nginx');
  });

  it('has columns for contenders, and names what only one row has', () => {
    expect(words(CPU, THROUGHPUT)).to.include('│ weft │ haproxy │ nginx │ beside │').and.include('direct: 40.0 (40.0)');
  });

  it('shows the median and the worst round', () => {
    expect(words(CPU)).to.include('22.0 (30.0)');
    expect(words(THROUGHPUT)).to.include('9.25 (9.00)');
  });
});

describe('quantiles', () => {
  it('interpolate between neighbours', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).to.equal(2.5);
    expect(quantile([1, 2, 3, 4, 5], 1)).to.equal(5);
    expect(quantile([0, 100], 0.99)).to.be.closeTo(99, 1e-9);
    expect(median([3, 1, 2])).to.equal(2);
  });

  it('are not a number where there is nothing', () => {
    expect(quantile([], 0.5)).to.be.NaN;
  });
});

describe('options of the benchmark', () => {
  const refused = (...argv: string[]) => expect(() => readOptions(argv, () => {}));

  it('take rows and contenders in any case, and refuse unknown ones', () => {
    expect(readOptions(['--rows', 'p1,prop']).rows).to.deep.equal(['P1', 'PROP']);
    expect(readOptions(['--rows', 'p10']).rows).to.deep.equal(['P10']);
    refused('--rows', 'P11').to.throw(/P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, PROP/);
    refused('--contenders', 'traefik').to.throw(/weft, haproxy, nginx, envoy/);
  });

  it('let every contender take part unless told otherwise', () => {
    expect(readOptions([]).contenders).to.deep.equal(['weft', 'haproxy', 'nginx', 'envoy']);
  });

  it('run five rounds unless told otherwise', () => {
    expect(readOptions([]).durations.rounds).to.equal(5);
    expect(readOptions(['--quick', '--rounds', '3']).durations.rounds).to.equal(3);
    refused('--rounds', '0').to.throw(/at least 1/);
  });

  it('measure latency after 60 s of warm-up', () => {
    expect(readOptions([]).durations.latencyWarmUpMs).to.equal(60_000);
  });

  it('measure propagation with 3,000 profiles and 500 changes, and memory 60 s after the burst', () => {
    expect(readOptions([]).durations).to.include({ profiles: 3_000, changes: 500, settleMs: 60_000 });
  });
});
