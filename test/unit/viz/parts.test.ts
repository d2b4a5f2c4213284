import { expect } from 'chai';
import { mergeParts, partOf } from '../../../operator/viz/window/part.ts';
import { TrafficSum } from '../../../operator/viz/window/traffic-sum.ts';
import { COUNTER } from '../../../proxy-image/contract/traffic/counters.ts';

const BY = ['name'] as const;

function part(replica: string, name: string, success: number, coveredMs: number): unknown {
  const sum = new TrafficSum();
  sum.numbers[COUNTER.success] = success;
  sum.addProxy(coveredMs);
  return JSON.parse(JSON.stringify(partOf(replica, BY, [{ labels: [name], sum }])));
}

describe('an answer of several replicas', () => {
  it('puts together what they know of the same workload, and takes the mean of the times that they tell of', () => {
    const { groups, missing } = mergeParts(['a', 'b'], BY, [
      part('a', 'web', 60, 60_000),
      part('b', 'web', 70, 70_000),
    ]);
    expect(missing).to.deep.equal([]);
    expect(groups.map(({ labels, sum }) => [labels, sum.ended, sum.seconds, sum.proxies])).to.deep.equal([
      [['web'], 130, 65, 2],
    ]);
    expect(groups[0]!.sum.requestRate).to.equal(2);
  });

  it('says which replica is missing: it was silent, speaks another version, or answers another question', () => {
    const newer = { ...(part('b', 'web', 1, 1) as object), version: 2 };
    const other = partOf('c', ['namespace'], []);
    const { groups, missing } = mergeParts(['a', 'b', 'c', 'd'], BY, [part('a', 'web', 1, 1_000), newer, other]);
    expect(missing).to.deep.equal(['b', 'c', 'd']);
    expect(groups).to.have.length(1);
  });

  it('takes no replica twice, and none that nobody expects', () => {
    const parts = [part('a', 'web', 1, 1), part('a', 'web', 1, 1), part('z', 'web', 1, 1)];
    expect(mergeParts(['a'], BY, parts).groups[0]!.sum.count('success')).to.equal(1);
  });

  it('is not of anything when nothing has counted', () => {
    const sum = new TrafficSum();
    expect([sum.successRate, sum.requestRate, sum.latencyMs(0.5), sum.readBytesRate]).to.deep.equal([
      null,
      null,
      null,
      null,
    ]);
  });
});
