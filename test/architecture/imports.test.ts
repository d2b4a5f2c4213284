import { expect } from 'chai';
import { folderOf, mayImport } from './rules.ts';
import { sourceFiles } from './sources.ts';

describe('direction of imports', () => {
  const files = sourceFiles();

  it('follows the table of ARCHITECTURE.md', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter((target) => !mayImport(file.path, target))
        .map((target) => `${file.path} (${folderOf(file.path)}) must not import ${target}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('keeps packages out of the places that must stay pure or small', () => {
    const wrong = files.flatMap((file) =>
      file.packages.filter((name) => !mayImport(file.path, name)).map((name) => `${file.path} must not import ${name}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('has no cycle, type imports counted', () => {
    const graph = new Map(files.map((file) => [file.path, file.imports]));
    expect(findCycle(graph)).to.deep.equal([]);
  });
});

describe('the rules themselves', () => {
  it('refuse a wrong direction', () => {
    expect(mayImport('crds/parse/a.ts', 'operator/main.ts')).to.equal(false);
    expect(mayImport('proxy-image/core/route/a.ts', 'proxy-image/codec/http1/b.ts')).to.equal(false);
    expect(mayImport('proxy-image/codec/http2/a.ts', 'proxy-image/codec/http1/head.ts')).to.equal(false);
    expect(mayImport('proxy-image/codec/http1/a.ts', 'proxy-image/codec/bridge/bridge.ts')).to.equal(false);
    expect(mayImport('proxy-image/http/a.ts', 'proxy-image/codec/http1/head.ts')).to.equal(false);
    expect(mayImport('proxy-image/http/a.ts', 'proxy-image/io/transport/bun.ts')).to.equal(false);
    expect(mayImport('proxy-image/core/route/a.ts', 'node:fs')).to.equal(false);
    expect(mayImport('operator/runtime/queue.ts', 'proxy-image/contract/keys.ts')).to.equal(false);
    expect(mayImport('operator/runtime/queue.ts', 'lib/backoff.ts')).to.equal(true);
    expect(mayImport('lib/rate.ts', 'proxy-image/contract/keys.ts')).to.equal(false);
    expect(mayImport('proxy-image/stack/outbound.ts', '@kubernetes/client-node')).to.equal(false);
    expect(mayImport('cli/verbs/version.ts', '@kubernetes/client-node')).to.equal(false);
    expect(mayImport('cli/verbs/version.ts', 'operator/kube/rest.ts')).to.equal(false);
    expect(mayImport('operator/main.ts', 'test/support/models.ts')).to.equal(false);
    expect(mayImport('hack/local/main.ts', 'test/support/models.ts')).to.equal(false);
  });

  it('find a cycle', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
    ]);
    expect(findCycle(graph)).to.have.length(3);
  });
});

/** One cycle as the list of its files, or an empty list. Depth-first, iterative colours: 1 = on the path, 2 = done. */
function findCycle(graph: Map<string, readonly string[]>): string[] {
  const colour = new Map<string, 1 | 2>();
  const path: string[] = [];
  const visit = (node: string): string[] => {
    colour.set(node, 1);
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      if (colour.get(next) === 1) return path.slice(path.indexOf(next));
      if (colour.get(next) === undefined && graph.has(next)) {
        const found = visit(next);
        if (found.length > 0) return found;
      }
    }
    path.pop();
    colour.set(node, 2);
    return [];
  };
  for (const node of graph.keys()) {
    if (colour.get(node) !== undefined) continue;
    const found = visit(node);
    if (found.length > 0) return found;
  }
  return [];
}
