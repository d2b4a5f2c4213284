import { expect } from 'chai';
import fc from 'fast-check';
import { jsonPatch, type Operation } from '../../../hack/packages/json-patch.ts';

/** As RFC 6902 has it. */
function applied(document: unknown, operations: readonly Operation[]): unknown {
  const root = { document: structuredClone(document) };
  for (const { op, path, value } of operations) {
    const keys = `/document${path}`
      .slice(1)
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop()!;
    // biome-ignore lint/suspicious/noExplicitAny: any JSON
    const at = keys.reduce((holder: any, key) => holder[key], root);
    if (Array.isArray(at) && op === 'add') at.splice(last === '-' ? at.length : Number(last), 0, value);
    else if (Array.isArray(at) && op === 'remove') at.splice(Number(last), 1);
    else if (op === 'remove') delete at[last];
    else at[last] = value;
  }
  return root.document;
}

describe('patches of an overlay', () => {
  it('make the one of the other, whatever they are', () => {
    const key = fc.constantFrom('a', 'b', 'c/d', '~e');
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, 1, 'x', true),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }).map((found) => ({ ...found })),
      ),
    }));
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        expect(applied(before, jsonPatch(before, after))).to.deep.equal(after);
      }),
    );
  });

  it('say no more than what is other: a field, an item that is gone from the middle, one more at the end', () => {
    expect(jsonPatch({ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } })).to.deep.equal([
      { op: 'replace', path: '/a/c', value: 3 },
    ]);
    expect(jsonPatch({ a: [1, 2, 3] }, { a: [1, 3] })).to.deep.equal([{ op: 'remove', path: '/a/1' }]);
    expect(jsonPatch({ a: [1] }, { a: [1, 2] })).to.deep.equal([{ op: 'add', path: '/a/-', value: 2 }]);
  });
});
