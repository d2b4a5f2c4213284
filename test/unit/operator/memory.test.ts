import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { Octets } from './measure-memory.ts';

const TIMEOUT_MS = 60_000;

/** Octets of the heap, as docs/performance.md has them; a quarter to a third more, for they differ between versions of the runtime. */
const BOUNDS = {
  Pod: 2_100,
  /** Of ten endpoints. */
  EndpointSlice: 4_600,
  /** Of five routes. */
  ServiceProfile: 4_000,
  TrafficSplit: 2_000,
  HTTPRoute: 4_500,
};
/** Of 20 Services with their endpoints, with everything that is compiled for it and for a few others. */
const SESSION = 100_000;

describe('memory of a replica', function () {
  this.timeout(TIMEOUT_MS);

  it('is bounded for each object that is stored, whatever else stands in it, and for each session', async () => {
    const script = join(import.meta.dirname, 'measure-memory.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script], { timeout: TIMEOUT_MS });
    const measured: Octets = JSON.parse(stdout);
    for (const [kind, bound] of Object.entries(BOUNDS)) expect(measured.kinds[kind], kind).to.be.within(100, bound);
    expect(measured.session).to.be.within(5_000, SESSION);
    expect(measured).to.include({ connected: 67, current: 67 });
  });
});
