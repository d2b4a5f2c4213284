import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';

const BUILD = join(import.meta.dirname, '..', '..', '..', 'hack', 'cli', 'build');
/** What `weft version` may load of the runtime: each costs milliseconds of its start, `node:child_process` three. */
const START_MODULES = ['node:events', 'node:fs', 'node:module', 'node:os', 'node:path', 'node:process', 'node:util'];
/** Read before `weft version` says anything: commander is most of it. */
const START_BYTES = 64_000;

describe('the bundle of the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-command-'));
  const weft = join(folder, 'weft');
  const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, HOME: folder };

  before(function () {
    this.timeout(60_000);
    execFileSync(BUILD, [folder], { env: { ...process.env, WEFT_COMMIT: 'commit-of-this-test' }, stdio: 'pipe' });
  });

  after(() => rmSync(folder, { recursive: true }));

  const run = (...argv: string[]) => spawnSync(weft, argv, { env, encoding: 'utf8', timeout: 30_000 });

  /** Files that loading this one loads. */
  function readWith(name: string, seen = new Set<string>()): Set<string> {
    if (seen.has(name)) return seen;
    seen.add(name);
    for (const [, other] of text(name).matchAll(/(?:from|import)"\.\/([^"]+)"/g)) readWith(other!, seen);
    return seen;
  }
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  const startOf = (verb: string) => {
    const own = readdirSync(folder).find((name) => name.startsWith(`weft-${verb}-`))!;
    return [...readWith(own, readWith('weft.mjs'))];
  };

  it('says its version and commit, and that nothing says where a cluster is', () => {
    const { status, stdout } = run('version', '--client', '-o', 'json');
    expect(status).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({ clientVersion: '0.1.0', clientCommit: 'commit-of-this-test' });
    const without = run('version');
    expect(without.status).to.equal(3);
    expect(without.stdout).to.equal('Client version: 0.1.0\nServer version: unavailable\n');
    expect(without.stderr).to.match(/^WEFT_CLI_KUBECONFIG: /);
  });

  it('installs what the sources install, and needs none of them', () => {
    const golden = join(import.meta.dirname, '..', '..', 'golden', 'install', 'default.yaml');
    expect(run('install', '--skip-crds').stdout).to.equal(readFileSync(golden, 'utf8'));
    expect(run('install', '--crds').stdout.match(/^kind: CustomResourceDefinition$/gm)).to.have.length(11);
  });

  it('explains what weft check finds, and needs no page of the tree for it', () => {
    const page = join(import.meta.dirname, '..', '..', '..', 'docs', 'checks', 'webhook-ca.md');
    const { status, stdout } = run('check', '--explain', 'webhook-ca');
    expect(status).to.equal(0);
    expect(stdout).to.equal(readFileSync(page, 'utf8'));
  });

  it('asks a cluster without the part of the Kubernetes client that Node 20 does not load', () => {
    const kubeconfig = join(folder, 'kubeconfig');
    const [name, server] = ['a', 'https://127.0.0.1:1'];
    const contexts = [{ name, context: { cluster: name, user: name } }];
    const users = [{ name, user: { token: 'x' } }];
    const config = { 'current-context': name, clusters: [{ name, cluster: { server } }], users, contexts };
    writeFileSync(kubeconfig, JSON.stringify(config));
    const { status, stderr } = run('version', '--kubeconfig', kubeconfig);
    expect(stderr).to.match(/^WEFT_CLI_UNREACHABLE: .*ECONNREFUSED/);
    expect(status).to.equal(3);
    for (const file of readdirSync(folder)) {
      if (file.endsWith('.mjs')) expect(text(file), file).not.to.match(/UndiciError|markAsUncloneable/);
    }
  });

  it('`weft version` starts without what speaks with a cluster, reads YAML or draws', () => {
    const files = startOf('version');
    const read = files.map(text).join('\n');
    expect(read.length).to.be.lessThan(START_BYTES);
    const modules = [...read.matchAll(/(?:\bfrom|\bimport|\brequire\()"((?:node:)?[a-z_]+(?:\/[a-z]+)?)"/g)];
    expect(
      [...new Set(modules.map(([, name]) => name!))].filter((name) => !START_MODULES.includes(name)),
    ).to.deep.equal([]);
    for (const name of readdirSync(folder))
      if (name.endsWith('.mjs') && !files.includes(name)) rmSync(join(folder, name));
    expect(run('version', '--client').stdout).to.equal('Client version: 0.1.0\n');
  });

  it('is a plug-in of kubectl by its other name', () => {
    const help = spawnSync(join(folder, 'kubectl-weft'), ['--help'], { env, encoding: 'utf8' });
    expect(help.stdout).to.match(/^Usage: kubectl weft /);
    expect(run('--help').stdout).to.match(/^Usage: weft /);
  });

  it('ends quietly where nobody reads', () => {
    const line = `set -o pipefail; '${weft}' --help | true`;
    const { status, stderr } = spawnSync('bash', ['-c', line], { env, encoding: 'utf8', timeout: 30_000 });
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
  });
});
