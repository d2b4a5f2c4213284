import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const HACK = join(import.meta.dirname, '../../../hack');

describe('fetching the definitions of the Gateway API', function () {
  this.timeout(60_000);
  let folder: string;

  before(function () {
    // Named where there is no Go.
    if ((process.env['GATEWAY_API_DEFINITIONS'] ?? '') !== '') this.skip();
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'weft-gateway-api-'));
    for (const part of ['gateway-api', 'cluster/lib']) {
      cpSync(join(HACK, part), join(folder, 'hack', part), { recursive: true });
    }
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function fetch(): Promise<{ failed: boolean; stdout: string; stderr: string }> {
    const env: NodeJS.ProcessEnv = { ...process.env, WEFT_CACHE: join(folder, 'cache') };
    delete env['GATEWAY_API_DEFINITIONS'];
    return new Promise((resolve) => {
      execFile(join(folder, 'hack/gateway-api/definitions'), { env }, (error, stdout, stderr) =>
        resolve({ failed: error !== null, stdout: stdout.trim(), stderr }),
      );
    });
  }

  it('takes those of the module that go.sum names', async () => {
    const { failed, stdout, stderr } = await fetch();
    expect(failed, stderr).to.equal(false);
    expect(existsSync(join(stdout, 'gateway.networking.k8s.io_httproutes.yaml'))).to.equal(true);
  });

  it('refuses a module that is another than go.sum says, and keeps nothing of it', async () => {
    const sums = join(folder, 'hack/gateway-api/go.sum');
    const text = readFileSync(sums, 'utf8');
    const changed = text.replace(/^(sigs\.k8s\.io\/gateway-api \S+ h1:)..../m, '$1AAAA');
    expect(changed).not.to.equal(text);
    writeFileSync(sums, changed);
    for (let attempt = 0; attempt < 2; attempt++) {
      const { failed, stderr } = await fetch();
      expect(failed).to.equal(true);
      expect(stderr).to.contain('checksum mismatch');
    }
  });
});
