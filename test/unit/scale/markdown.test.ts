import { expect } from 'chai';
import { formatMarkdown } from '../../scale/markdown.ts';
import { figuresWith } from './figures.ts';

describe('what the documentation has of make scale', () => {
  it('is a table of verdicts, one of the curve with a column for each number of proxies, and what it comes to', () => {
    const text = formatMarkdown({
      windows: [figuresWith({ proxies: 250 }), figuresWith({ proxies: 2_000 })],
      restarts: [],
      verdicts: [
        { what: 'CPU', measured: '0.9', bar: '≤ 1', holds: true },
        { what: 'memory', measured: '2', bar: '≤ 1', holds: false },
      ],
      large: {
        proxies: 20_000,
        cores: 2.34,
        memoryMib: 3_000,
        replicaMib: 200,
        proxyKib: 90,
        messageUs: 120,
        replicasForMemory: 3,
        replicasForCpu: 5,
      },
    });
    expect(text).to.contain('| CPU | 0.9 | ≤ 1 |\n| memory | 2 | ≤ 1 **missed** |');
    expect(text).to.contain('| proxies | 250 | 2,000 |\n| --- | --- | --- |\n');
    expect(text).to.contain('CPU is the first limit: 3 replicas for the memory (1 GiB each), 5 for the CPU');
  });
});
