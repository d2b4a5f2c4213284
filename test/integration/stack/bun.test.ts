import path from 'node:path';
import { expect } from 'chai';
import { BUN_SUITE_MS, runUnderBun } from '../transport/under-bun.ts';

describe('a pair of proxies on Bun', () => {
  it('passes the same suite in a Bun process', async function () {
    this.timeout(BUN_SUITE_MS + 10_000);
    const { passes, failures } = await runUnderBun(path.join(import.meta.dirname, 'suite-for-bun.ts'));
    expect(failures).to.deep.equal([]);
    expect(passes.length).to.be.greaterThan(3);
  });
});
