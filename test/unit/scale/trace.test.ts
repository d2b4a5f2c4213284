import { expect } from 'chai';
import { rankBetween } from '../../scale/histogram.ts';
import { Arrivals } from '../../scale/proxies/arrivals.ts';
import { beginTrace, Traces } from '../../scale/trace.ts';

describe('changes on their way to proxies', () => {
  it('are known by the resource: what arrives belongs to its last change before', () => {
    const traces = new Traces();
    const [first, second] = [beginTrace('endpoint', ['k'], 100), beginTrace('endpoint', ['k'], 5_000)];
    traces.add(first);
    traces.add(second);
    traces.arrived({ key: 'k', firstMs: 110, lastMs: 150, count: 3, bytes: 300 });
    traces.arrived({ key: 'k', firstMs: 105, lastMs: 120, count: 2, bytes: 200 });
    traces.arrived({ key: 'k', firstMs: 5_002, lastMs: 5_003, count: 1, bytes: 90 });
    traces.arrived({ key: 'k', firstMs: 90, lastMs: 91, count: 1, bytes: 90 });
    traces.arrived({ key: 'other', firstMs: 200, lastMs: 200, count: 4, bytes: 400 });
    expect(first).to.include({ firstMs: 105, lastMs: 150, count: 5, bytes: 500 });
    expect(second).to.include({ firstMs: 5_002, lastMs: 5_003, count: 1, bytes: 90 });
    expect(traces.strays).to.equal(5);
  });

  it('are put together over the proxies of a process, and told of once nothing more has come for a second', () => {
    const arrivals = new Arrivals();
    arrivals.note('k', 100, 40);
    arrivals.note('k', 130, 60);
    arrivals.note('other', 1_000, 10);
    expect(arrivals.take(1_130)).to.deep.equal([]);
    expect(arrivals.take(1_131)).to.deep.equal([{ key: 'k', firstMs: 100, lastMs: 130, count: 2, bytes: 100 }]);
    expect(arrivals.take(1_131)).to.deep.equal([]);
  });

  it('are ranked by what a histogram has grown by, over all replicas', () => {
    const text = (low: number, high: number) =>
      `# HELP t_seconds Times.\n# TYPE t_seconds histogram\nt_seconds_bucket{le="0.01"} ${low}\nt_seconds_bucket{le="0.1"} ${high}\n` +
      `t_seconds_bucket{le="+Inf"} ${high}\nt_seconds_sum 1\nt_seconds_count ${high}\n`;
    const before = [text(1_000, 1_000), text(0, 0)];
    expect(rankBetween(before, [text(1_050, 1_050), text(49, 50)], 't_seconds', 0.99)).to.equal(10);
    expect(rankBetween(before, [text(1_050, 1_050), text(47, 50)], 't_seconds', 0.99)).to.equal(100);
    expect(rankBetween(before, before, 't_seconds', 0.99)).to.be.NaN;
  });
});
