import { expect } from 'chai';
import type { RestartFigures, WindowFigures } from '../../scale/figures.ts';
import { judgeRestart, judgeWindow, type Verdict } from '../../scale/judge.ts';

const MIB = 1_048_576;
const spread = (p50: number, p99: number, max: number) => ({ p50, p99, max });

/** In which every bar holds. */
const WINDOW: WindowFigures = {
  proxies: 2_000,
  seconds: 600,
  endpointChanges: 12_000,
  resourceChanges: 1_200,
  failedWrites: 0,
  dropped: {},
  refusedBatches: 0,
  incomplete: 0,
  unseen: 0,
  operators: {
    cores: 0.9,
    coresEach: [0.3, 0.3, 0.3],
    memoryBytes: 1_000 * MIB,
    memoryEach: [],
    residentBytes: 1_100 * MIB,
  },
  bytesPerEndpointChange: { ...spread(400, 500, 900), mean: 410 },
  bytesPerSecond: 1,
  messagesPerSecond: 1,
  firstMs: spread(1, 9, 60),
  lastMs: spread(10, 100, 240),
  apiServerMs: spread(3, 10, 50),
  machine: {
    apiServerCores: 0.1,
    etcdCores: 0.1,
    proxiesCores: 0.3,
    harnessCores: 0.1,
    othersShare: 0,
    proxiesLagMs: { p99: 5, max: 20 },
    harnessLagMs: { p99: 5, max: 20 },
  },
  own: { writeP99Ms: 10, acknowledgedP99Ms: 50 },
};
const RESTART: RestartFigures = {
  moved: 667,
  back: 667,
  allBackMs: 4_000,
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
    [{ back: 666 }, /back/],
    [{ moved: 0, back: 0 }, /are back/],
    [{ allBackMs: 10_001 }, /last is back/],
    [{ allBackMs: Number.POSITIVE_INFINITY }, /last is back/],
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
