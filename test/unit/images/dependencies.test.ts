import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '..', '..', '..');

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

interface Locked {
  version: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
  hasInstallScript?: boolean;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> };
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');

/** What is shipped or installs. Whoever adds one writes it here, too. */
const DEPENDENCIES = [
  '@dot-i/k8s-operator',
  '@kubernetes/client-node',
  'ajv',
  'cli-table3',
  'commander',
  'node-forge',
  'ora',
  'prom-client',
  're2js',
  'undici',
  'winston',
  'yaml',
];

describe('F10: dependencies', () => {
  it('are few, named, and each of one version', () => {
    expect(Object.keys(manifest.dependencies).toSorted()).to.deep.equal(DEPENDENCIES);
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).to.deep.equal([]);
    for (const [name, version] of all) expect(lock.packages[`node_modules/${name}`]?.version, name).to.equal(version);
  });

  it('run no script when they are installed, but the three that fetch a program for this machine', () => {
    const allowed = Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name]);
    expect(allowed.toSorted()).to.deep.equal(['bun', 'esbuild', 'node']);
  });

  it('that have a script have all been decided on, and one that has not fails the installation', () => {
    const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path));
    expect(Object.keys(manifest.allowScripts).toSorted()).to.deep.equal([...new Set(scripted)].toSorted());
    const settings = readFileSync(join(ROOT, '.npmrc'), 'utf8').split('\n');
    expect(settings).to.include('strict-allow-scripts=true');
    expect(settings.filter((line) => /registry|_auth|dangerously|ignore-scripts/.test(line))).to.deep.equal([]);
  });

  it('come from the registry with the hash that they had when they were chosen', () => {
    const unproven = locked.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''));
    expect(unproven.map(([path]) => path)).to.deep.equal([]);
    const elsewhere = locked.filter(
      ([, { resolved, link }]) =>
        link === true || (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')),
    );
    expect(elsewhere.map(([path]) => path)).to.deep.equal([]);
  });

  it('are installed as they are locked', () => {
    expect(readFileSync(join(ROOT, 'Makefile'), 'utf8'))
      .to.match(/npm ci /)
      .and.not.to.match(/npm (install|i|update) /);
  });
});

/** `node_modules/a/node_modules/@b/c` is `@b/c`. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
