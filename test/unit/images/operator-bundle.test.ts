import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** The text of the program, and a hundredth: each replica keeps it in memory. */
const TEXT_BYTES = 3_860_000;

describe('the bundle of the operator', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bundle-'));
  const program = join(folder, 'operator.mjs');
  let text = '';

  before(function () {
    this.timeout(60_000);
    const argv = ['hack/images/bundle.ts', 'operator/main.ts', program, 'node'];
    const { status, stderr } = spawnSync(process.execPath, argv, { cwd: ROOT, encoding: 'utf8', timeout: 60_000 });
    if (status !== 0) throw new Error(`the bundle: ${stderr}`);
    text = readFileSync(program, 'utf8');
  });

  after(() => rmSync(folder, { recursive: true }));

  it('has one byte for each character: of a single other one V8 keeps all of it in two', () => {
    expect(/[^\0-\x7f]/.exec(text)?.index ?? null).to.equal(null);
  });

  it('has of the generated API what is called, and no more', () => {
    expect(text.length).to.be.within(0.9 * TEXT_BYTES, TEXT_BYTES);
    expect(text).to.contain('readNamespacedPod').and.not.to.contain('readNamespacedCronJob');
  });

  it('starts', () => {
    const { status, stdout } = spawnSync(process.execPath, [program, '--help'], { encoding: 'utf8', timeout: 20_000 });
    expect(status).to.equal(0);
    expect(stdout).to.contain('--webhook-port');
  });
});
