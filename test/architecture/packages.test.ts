import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageFiles, presentFiles, ROOT } from '../../hack/packages/files.ts';

describe('charts and kustomizations', () => {
  it('are what `make packages` writes: of the manifests and settings of weft install, and nothing else', () => {
    const files = packageFiles();
    expect(presentFiles().toSorted()).to.deep.equal([...files.keys()].toSorted());
    const stale = [...files].filter(([path, text]) => readFileSync(join(ROOT, path), 'utf8') !== text);
    expect(
      stale.map(([path]) => path),
      'run `make packages`',
    ).to.deep.equal([]);
  });

  it('have nothing that is random, of a time, of a cluster, or run by a hook', () => {
    for (const [path, text] of packageFiles()) {
      const record = path.endsWith('_record.tpl')
        ? ['define', 'include', 'dict', 'set', 'ne', 'toString', 'toJson']
        : ['include', '.'];
      const actions = [...text.replace(/\{\{- \/\*.*\*\/\}\}/, '').matchAll(/\{\{-? ?(.*?) ?-?\}\}/g)].map(
        ([, action]) => action!,
      );
      const words = new Set(actions.flatMap((action) => action.replaceAll(/"[^"]*"/g, '').split(/[ ()]+/)));
      const known = ['', 'if', 'else', 'end', 'not', 'and', '|', 'quote', 'int', 'printf', 'toYaml', 'nindent'];
      const others = [...words].filter(
        (word) => ![...known, ...record].includes(word) && !/^(?:\.Values(?:\.\w+)+|\d+|\$\w+|:=)$/.test(word),
      );
      expect(others, path).to.deep.equal([]);
      // Hooks are those of `helm test` alone.
      if (!path.includes('/tests/')) expect(text, path).not.to.match(/caBundle:|helm\.sh\/hook/);
    }
  });
});
