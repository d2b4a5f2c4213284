import { expect } from 'chai';
import { figureOf, type Measurement, median, quantile, worstFigureOf } from '../../bench/figures.ts';
import { readOptions } from '../../bench/options.ts';
import { figures } from '../../bench/report.ts';

const CPU: Measurement = {
  row: 'P1',
  what: 'CPU per request',
  unit: 'us',
  samples: { weft: [20, 30, 22], haproxy: [10, 20, 20], nginx: [11, 12, 13] },
  rival: 'haproxy',
  bar: { kind: 'ratio', rival: 'haproxy', max: 1.5 },
};

describe('figures of the benchmark', () => {
  it('are medians, with the ratio taken round by round', () => {
    const figure = figureOf(CPU);
    expect(figure).to.deep.equal({
      row: 'P1',
      what: 'CPU per request',
      unit: 'us',
      ours: 22,
      rivals: { haproxy: 20, nginx: 12 },
      // 2, 1.5 and 1.1: the ratio of the medians would be 1.1.
      ratio: 1.5,
      bar: '<= 1.5 x haproxy',
      holds: true,
    });
  });

  it('miss a ratio that is above its bar', () => {
    const figure = figureOf({ ...CPU, samples: { ...CPU.samples, weft: [20, 31, 30] } });
    expect(figure.ratio).to.be.greaterThan(1.5);
    expect(figure.holds).to.equal(false);
  });

  it('hold a fixed limit against the median of ours', () => {
    const memory: Measurement = { ...CPU, samples: { weft: [10] }, bar: { kind: 'limit', max: 10 } };
    expect(figureOf(memory)).to.include({ bar: '<= 10 us', holds: true, ratio: null });
    expect(figureOf({ ...memory, samples: { weft: [10.1] } }).holds).to.equal(false);
  });

  it('do not hold a bar that could not be judged', () => {
    expect(figureOf({ ...CPU, samples: { weft: [20] } }).holds).to.equal(false);
    expect(figureOf({ ...CPU, samples: { haproxy: [20] } }).holds).to.equal(false);
    expect(figureOf({ ...CPU, samples: { weft: [], haproxy: [] } }).holds).to.equal(false);
  });

  it('hold where there is nothing to hold', () => {
    expect(figureOf({ ...CPU, bar: null })).to.include({ bar: null, holds: true });
  });

  it('have no ratio to a difference that came out at nothing', () => {
    const added: Measurement = { ...CPU, samples: { weft: [0.2, 0.3], haproxy: [-0.1, 0.1] }, bar: null };
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
      expect(Object.keys(figure)).to.deep.equal(['row', 'what', 'unit', 'ours', 'rivals', 'ratio', 'bar', 'holds']);
    }
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
    refused('--rows', 'P4').to.throw(/P1, P2, P5, P6, PROP/);
    refused('--contenders', 'envoy').to.throw(/weft, haproxy, nginx/);
  });

  it('run five rounds unless told otherwise', () => {
    expect(readOptions([]).durations.rounds).to.equal(5);
    expect(readOptions(['--quick', '--rounds', '3']).durations.rounds).to.equal(3);
    refused('--rounds', '0').to.throw(/at least 1/);
  });

  it('measure propagation with 3,000 profiles and 200 changes, and memory 60 s after the burst', () => {
    expect(readOptions([]).durations).to.include({ profiles: 3_000, changes: 200, settleMs: 60_000 });
  });
});
