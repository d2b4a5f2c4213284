import { expect } from 'chai';
import { extrapolate, lineThrough } from '../../scale/extrapolate.ts';
import { figuresWith } from './figures.ts';

const MIB = 1_048_576;

describe('what a curve comes to', () => {
  it('is a straight line through what was measured', () => {
    const { slope, intercept } = lineThrough([
      [0, 1],
      [1, 2],
      [2, 6],
      [3, 7],
    ]);
    expect(slope).to.be.closeTo(2.2, 1e-9);
    expect(intercept).to.be.closeTo(0.7, 1e-9);
  });

  it('is told from what a replica takes, and what a proxy takes', () => {
    const windows = [500, 1_000, 2_000].map((proxies) =>
      figuresWith({
        proxies,
        messagesPerSecond: proxies,
        operators: {
          cores: 0.3 + proxies * 1e-4,
          coresEach: [0, 0, 0],
          memoryBytes: (600 + proxies / 8) * MIB,
          memoryEach: [],
          residentBytes: 0,
          heap: { usedBytes: 0, totalBytes: 0, externalBytes: 0 },
        },
      }),
    );
    const found = extrapolate(windows, 20_000)!;
    expect(found.memoryMib).to.be.closeTo(3_100, 1e-6);
    expect(found.replicaMib).to.be.closeTo(200, 1e-6);
    expect(found.proxyKib).to.be.closeTo(128, 1e-6);
    expect(found.cores).to.be.closeTo(2.3, 1e-9);
    expect(found.messageUs).to.be.closeTo(100, 1e-6);
    expect(found.replicasForMemory).to.equal(4);
    expect(found.replicasForCpu).to.equal(4);
  });

  it('is not told from one point', () => {
    expect(extrapolate([figuresWith({})], 20_000)).to.equal(null);
  });
});
