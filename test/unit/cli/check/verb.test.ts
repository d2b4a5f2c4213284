import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCli } from '../../../support/cli.ts';

const PAGE = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'checks', 'proxy-trust.md');

describe('weft check, without a cluster', () => {
  it('explains a code by its page', async () => {
    const { status, stdout, stderr } = await runCli(['check', '--explain', 'proxy-trust']);
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    expect(stdout).to.equal(readFileSync(PAGE, 'utf8'));
  });

  it('says which code was probably meant: status 2', async () => {
    const mistyped = await runCli(['check', '--explain', 'proxy-turst']);
    expect(mistyped.status).to.equal(2);
    expect(mistyped.stderr).to.contain('there is no code "proxy-turst"; was proxy-trust meant?');
    const made = await runCli(['check', '--explain', '__proto__']);
    expect(made.status).to.equal(2);
    expect(made.stderr).to.match(/there is no code "__proto__"\n/);
  });

  it('refuses what it does not understand: status 2', async () => {
    for (const argv of [['--wait', 'long'], ['--wait', '-1s'], ['-o', 'yaml'], ['--pre', '--proxy'], ['--explain']]) {
      expect((await runCli(['check', ...argv])).status, argv.join(' ')).to.equal(2);
    }
  });

  it('ends with status 3 where nothing says how to reach a cluster', async () => {
    const { status, stdout, stderr } = await runCli(['check']);
    expect({ status, stdout }).to.deep.equal({ status: 3, stdout: '' });
    expect(stderr).to.match(/^WEFT_CLI_KUBECONFIG: /);
  });
});
