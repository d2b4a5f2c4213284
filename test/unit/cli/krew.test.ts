import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { VERSION } from '../../../proxy-image/contract/version.ts';

const KREW = join(import.meta.dirname, '..', '..', '..', 'hack', 'cli', 'krew');
const URI = 'https://downloads.example/weft.tar.gz';

interface Plugin {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { version: string; shortDescription: string; homepage: string; platforms: Platform[] };
}

interface Platform {
  uri: string;
  sha256: string;
  bin: string;
}

describe('the command as a plug-in that Krew installs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-krew-'));
  const packed = join(folder, 'first', `weft-${VERSION}.tar.gz`);
  const env = { ...process.env, WEFT_COMMIT: 'commit-of-this-test' };
  let plugin: Plugin;

  before(function () {
    this.timeout(60_000);
    execFileSync(KREW, [join(folder, 'first'), URI, 'https://weft.example/'], { env, stdio: 'pipe' });
    plugin = parse(readFileSync(join(folder, 'first', 'weft.yaml'), 'utf8'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is described by a manifest with the sum of the archive', () => {
    expect(plugin).to.deep.include({ apiVersion: 'krew.googlecontainertools.github.com/v1alpha2', kind: 'Plugin' });
    expect(plugin.metadata).to.deep.equal({ name: 'weft' });
    // Krew wants a semantic version with a v, and a description of 50 characters at most.
    expect(plugin.spec).to.include({ version: `v${VERSION}`, homepage: 'https://weft.example/' });
    expect(plugin.spec.shortDescription).to.have.length.within(10, 50);
    const sha256 = createHash('sha256').update(readFileSync(packed)).digest('hex');
    expect(plugin.spec.platforms).to.have.length(1);
    expect(plugin.spec.platforms[0]).to.include({ uri: URI, sha256, bin: 'weft.mjs' });
  });

  it('is regular files only, and runs as `kubectl weft` by the link that Krew makes', () => {
    const listed = execFileSync('tar', ['-tvzf', packed], { encoding: 'utf8' }).trim().split('\n');
    expect(listed.filter((line) => !/^[-d]/.test(line))).to.deep.equal([]);
    const store = join(folder, 'store');
    mkdirSync(store);
    execFileSync('tar', ['-xzf', packed, '-C', store]);
    const link = join(folder, 'kubectl-weft');
    symlinkSync(join(store, plugin.spec.platforms[0]!.bin), link);
    const own = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, HOME: folder };
    const run = (...argv: string[]) => spawnSync(link, argv, { env: own, encoding: 'utf8', timeout: 30_000 }).stdout;
    expect(run('--help')).to.match(/^Usage: kubectl weft /);
    expect(run('version', '--client')).to.equal(`Client version: ${VERSION}\n`);
  });

  it('is the same bytes when it is built again', function () {
    this.timeout(60_000);
    execFileSync(KREW, [join(folder, 'second'), URI, 'https://weft.example/'], { env, stdio: 'pipe' });
    const again = readFileSync(join(folder, 'second', `weft-${VERSION}.tar.gz`));
    expect(again.equals(readFileSync(packed))).to.equal(true);
  });
});
