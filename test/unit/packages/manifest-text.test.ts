import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { noteOf, readManifest, withNotesOf } from '../../../cli/install/manifest-text.ts';
import { SOURCES } from '../../../cli/install/sources.ts';

describe('manifests of the control plane, with their comments', () => {
  it('are the objects that YAML makes of them', () => {
    for (const { name, text } of SOURCES.controlPlane) {
      const objects = parseAllDocuments(text).map((document) => document.toJS() as object);
      expect(readManifest(text), name).to.deep.equal(objects);
    }
  });

  it('have a comment before an object, an entry or an item, the first ones too, and nowhere else', () => {
    const [first, second] = readManifest(`# whole
# of it
a:
  # one
  b: 1
  # two
  c:
    # three
    - 1
    - 2
    # four
    - { d: 1 }
---
# other
e: 1 # behind it
`) as unknown as [{ a: { c: object[] } }, object];
    expect(noteOf(first)).to.equal('whole\nof it');
    expect(noteOf(first, 'a')).to.equal('');
    expect([noteOf(first.a, 'b'), noteOf(first.a, 'c')]).to.deep.equal(['one', 'two']);
    expect([0, 1, 2].map((at) => noteOf(first.a.c, at))).to.deep.equal(['three', '', 'four']);
    expect(noteOf(second)).to.equal('other');
    expect(noteOf(withNotesOf(first.a, {}), 'b')).to.equal('one');
  });

  it('share no object by an alias, which would be two places of one thing', () => {
    expect(() => readManifest('a: &x { b: 1 }\nc: *x\n')).to.throw(/has no Alias/);
  });
});
