import { expect } from 'chai';
import { Tally } from '../../soak/tally.ts';
import { judge, type Sample, sampleOf } from '../../soak/watch.ts';

function run(anonymousKib: (i: number) => number, handles: (i: number) => number): Sample[] {
  return Array.from({ length: 80 }, (_, i) => ({
    atSeconds: 10 * i,
    anonymousKib: anonymousKib(i),
    residentKib: 0,
    handles: handles(i),
    cpuSeconds: 0,
  }));
}

describe('soak: the verdict', () => {
  it('compares medians of the last and the second quarter: warm-up and single peaks do not count', () => {
    const memory = (i: number) => (i < 20 ? 1000 * i : i % 7 === 0 ? 90_000 : 20_000);
    const { memory: trend, handles } = judge(run(memory, () => 40));
    expect(trend).to.deep.equal({ second: 20_000, last: 20_000, ratio: 1, flat: true });
    expect(handles.flat).to.equal(true);
  });

  it('five per cent more is flat, six are not', () => {
    const grown = (percent: number) =>
      judge(
        run(
          (i) => (i < 40 ? 20_000 : 200 * (100 + percent)),
          () => 40,
        ),
      ).memory.flat;
    expect([5, 6].map(grown)).to.deep.equal([true, false]);
  });

  it('a leak of handles is seen, a connection or two more are not one', () => {
    const handles = (more: number) =>
      judge(
        run(
          () => 1,
          (i) => (i < 40 ? 20 : 20 + more),
        ),
      ).handles.flat;
    expect([3, 4].map(handles)).to.deep.equal([true, false]);
    expect(
      judge(
        run(
          () => 1,
          (i) => 20 + i,
        ),
      ).handles.flat,
    ).to.equal(false);
  });

  it('samples a process', () => {
    const { anonymousKib, residentKib, handles, cpuSeconds } = sampleOf(process.pid, 7);
    expect(anonymousKib).to.be.within(1000, residentKib);
    expect(handles).to.be.greaterThan(2);
    expect(cpuSeconds).to.be.greaterThan(0);
  });

  it('counts what came of requests by kind, and tells each failure', () => {
    const told: string[] = [];
    const tally = new Tally(({ kind, reason }) => told.push(`${kind}: ${reason}`));
    tally.ok('tcp');
    tally.fail('http2', 'status 503');
    expect([tally.total, tally.failedTotal, tally.succeeded.tcp, tally.failed.http2]).to.deep.equal([2, 1, 1, 1]);
    expect(told).to.deep.equal(['http2: status 503']);
  });
});
