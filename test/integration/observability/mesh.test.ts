import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { readAlerts } from '../../../hack/observability/files.ts';

const MAIN = join(import.meta.dirname, '../../../hack/observability/main.ts');
/** It takes about a minute; beside others on a small machine, more. */
const RUN_MS = 360_000;
const MAX_OUTPUT_BYTES = 4 << 20;

/** A program of its own: the environment that it gives to kubectl is the process's. */
describe('a real Prometheus that scrapes real proxies and the operator', () => {
  it('gets data for every query of every rule, alert and panel; alerts fire while things go wrong, and no longer', async function () {
    this.timeout(RUN_MS);
    const options = { timeout: RUN_MS, maxBuffer: MAX_OUTPUT_BYTES };
    const { ok, output } = await promisify(execFile)(process.execPath, [MAIN, '--embedded'], options).then(
      ({ stdout }) => ({ ok: true, output: stdout }),
      (error: { stdout?: string; stderr?: string }) => ({ ok: false, output: `${error.stdout}${error.stderr}` }),
    );
    expect(ok, output).to.equal(true);
    const [, all, measured] = /return data: expected all (\d+); measured (\d+)$/m.exec(output) ?? [];
    expect(Number(all)).to.be.above(readAlerts().length);
    expect(measured).to.equal(all);
    expect(output.match(/^ *ok +Weft\w+ is cleared/gm) ?? []).to.have.length.above(9);
  });
});
