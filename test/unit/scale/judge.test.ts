import { expect } from 'chai';
import type { RestartFigures, WindowFigures } from '../../scale/figures.ts';
import { judgeRestart, judgeWindow, type Verdict } from '../../scale/judge.ts';
import { figuresWith, spread } from './figures.ts';

const MIB = 1_048_576;
const WINDOW = figuresWith({});
const RESTART: RestartFigures = {
  signal: 'SIGTERM',
  moved: 667,
  back: 667,
  allBackMs: 4_000,
  sinceSignalMs: 9_000,
  awayMs: spread(200, 2_000, 3_900),
  fullBytes: 80_000,
  resumeBytes: 1_000,
  resumeMaxBytes: 3_000,
  reasons: { WEFT_SERVE_STOPPING: 667 },
};

const missed = (verdicts: Verdict[]) => verdicts.filter(({ holds }) => !holds).map(({ what }) => what);

describe('what make scale judges', () => {
  it('holds where every figure is within its bar', () => {
    expect(missed(judgeWindow(WINDOW))).to.deep.equal([]);
    expect(missed(judgeRestart(RESTART))).to.deep.equal([]);
  });

  const windows: [Partial<WindowFigures>, RegExp][] = [
    [{ dropped: { WEFT_SERVE_SILENT: 1 } }, /dropped/],
    [{ incomplete: 1 }, /did not reach/],
    [{ refusedBatches: 1 }, /did not reach/],
    [{ failedWrites: 1 }, /did not reach/],
    [{ unseen: 1 }, /did not reach/],
    [{ endpointChanges: 11_000 }, /pace/],
    [{ operators: { ...WINDOW.operators, cores: 1.01 } }, /CPU/],
    [{ operators: { ...WINDOW.operators, memoryBytes: 1_025 * MIB } }, /memory/],
    [{ bytesPerEndpointChange: { ...WINDOW.bytesPerEndpointChange, max: 1_025 } }, /bytes/],
    [{ firstMs: spread(1, 10.1, 11) }, /first proxy/],
    [{ firstMs: spread(Number.NaN, Number.NaN, Number.NaN) }, /first proxy/],
    [{ lastMs: spread(10, 100, 251) }, /last proxy/],
  ];
  for (const [worse, what] of windows)
    it(`is missed in ${what.source} by ${JSON.stringify(worse).slice(0, 60)}`, () => {
      const names = missed(judgeWindow({ ...WINDOW, ...worse }));
      expect(names).to.have.length(1);
      expect(names[0]).to.match(what);
    });

  const restarts: [Partial<RestartFigures>, RegExp][] = [
    [{ back: 666 }, /that are back/],
    [{ moved: 0, back: 0 }, /that are back/],
    [{ allBackMs: 10_001 }, /last proxy is back/],
    [{ allBackMs: Number.POSITIVE_INFINITY }, /last proxy is back/],
    [{ resumeBytes: 80_000 }, /bytes/],
    [{ resumeBytes: Number.NaN }, /bytes/],
  ];
  for (const [worse, what] of restarts)
    it(`is missed in ${what.source} by a restart with ${JSON.stringify(worse)}`, () => {
      const names = missed(judgeRestart({ ...RESTART, ...worse }));
      expect(names).to.have.length(1);
      expect(names[0]).to.match(what);
    });
});
