import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Token, tokenizer, tokTypes } from 'acorn';
import { expect } from 'chai';
import { bundleProxy } from '../../support/proxy-bundle.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** The text that a proxy which runs has read, and a hundredth: its memory grows with it (hack/adr/0006-runtime-flags.md). */
const READ_BYTES = 272_500;
/** Files that it has read: each costs memory. */
const READ_FILES = 2;
/** Modules of the runtime that it loads. Others may cost a lot: `node:net` takes 1 MiB, for one function of ten lines. */
const RUNTIME_MODULES = ['bun:ffi', 'node:fs', 'node:module'];

describe('the bundle of the proxy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bundle-'));
  const texts = new Map<string, string>();

  before(function () {
    this.timeout(60_000);
    bundleProxy(folder, 'commit-of-this-test');
    for (const name of readdirSync(folder)) texts.set(name, readFileSync(join(folder, name), 'utf8'));
  });

  after(() => rmSync(folder, { recursive: true }));

  /** The files that loading this one loads. */
  function readWith(name: string, seen = new Set<string>()): Set<string> {
    if (seen.has(name)) return seen;
    seen.add(name);
    for (const [, other] of texts.get(name)!.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) readWith(other!, seen);
    return seen;
  }

  function readToRun(): Set<string> {
    return readWith('proxy.js', readWith('proxy-run.js'));
  }

  it('is taken by Bun as it is: each file says that nothing is left to transpile', () => {
    for (const [name, text] of texts) expect(text, name).to.match(/^\/\/ @bun\n/);
  });

  it('a proxy that runs reads neither HTTP/2, nor the engine for regular expressions, nor what rules of inbound ports, filters, connections or a scrape need, before it needs them', () => {
    expect([...texts.keys()]).to.include.members([
      'proxy-http2.js',
      'proxy-re2js.js',
      'proxy-rules.js',
      'proxy-filters.js',
      'proxy-exposition.js',
      'proxy-connection-families.js',
      'proxy-route-families.js',
      'proxy-traffic.js',
    ]);
    const read = [...readToRun()];
    expect(read).not.to.include('proxy-http2.js');
    expect(read).not.to.include('proxy-re2js.js');
    expect(read).not.to.include('proxy-rules.js');
    expect(read).not.to.include('proxy-filters.js');
    expect(read).not.to.include('proxy-exposition.js');
    expect(read).not.to.include('proxy-connection-families.js');
    expect(read).not.to.include('proxy-route-families.js');
    expect(read).not.to.include('proxy-traffic.js');
    expect(read.length).to.be.at.most(READ_FILES);
    const bytes = read.reduce((sum, name) => sum + texts.get(name)!.length, 0);
    expect(bytes).to.be.lessThan(READ_BYTES);
  });

  it('has nothing for listeners by name: no proxy of a pod has one', () => {
    const words = 'nothing has the name that the request says';
    const source = readFileSync(join(ROOT, 'proxy-image/stack/connection/named-client.ts'), 'utf8');
    expect(source).to.contain(words);
    for (const [name, text] of texts) expect(text, name).not.to.contain(words);
  });

  it('loads only those modules of the runtime that are cheap', () => {
    const text = [...readToRun()].map((name) => texts.get(name)!).join('\n');
    const modules = [...text.matchAll(/(?:\bfrom|\bimport|\brequire\()"((?:node|bun):[^"]+)"/g)].map(
      ([, name]) => name!,
    );
    expect([...new Set(modules)].toSorted()).to.deep.equal(RUNTIME_MODULES);
  });

  it('the verbs share nothing: each is a bundle of its own', () => {
    for (const verb of ['init', 'await', 'unknown']) {
      const own = readWith(`proxy-${verb}.js`);
      expect(
        [...own].filter((name) => readToRun().has(name)),
        verb,
      ).to.deep.equal([]);
    }
  });

  it('a proxy reads nothing of the errors of the control plane', () => {
    const run = [...readToRun()].map((name) => texts.get(name)!).join('');
    expect(run)
      .to.contain('WEFT_CONTROL_CONNECT')
      .and.not.to.match(/WEFT_(?:LEADER|PKI|WEBHOOK|INSTALL)_/);
  });

  it('says which commit it was made from, for `proxy_build_info`', () => {
    const run = [...readToRun()].map((name) => texts.get(name)!).join('');
    expect(run).to.contain('git_sha:').and.to.contain('"commit-of-this-test"');
  });

  it('HTTP/2 shares with the rest what both need: it is not there twice', () => {
    const shared = [...readWith('proxy-http2.js')].filter((name) => readToRun().has(name));
    expect(shared.some((name) => texts.get(name)!.length > 10_000)).to.equal(true);
  });

  it('has no private names: each would cost memory', () => {
    for (const name of [...readToRun(), 'proxy-http2.js']) {
      const tokens: Iterable<Token> = tokenizer(texts.get(name)!, { ecmaVersion: 'latest', sourceType: 'module' });
      const names = [...tokens].filter(({ type }) => type === tokTypes.privateId);
      expect(names, name).to.deep.equal([]);
    }
  });
});
