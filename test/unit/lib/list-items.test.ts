import { expect } from 'chai';
import fc from 'fast-check';
import { ListItems } from '../../../lib/list-items.ts';

/** Cut as the network may cut it. */
function read(json: string, cuts: readonly number[]): { items: unknown[]; around: unknown; first: unknown } {
  const bytes = Buffer.from(json);
  const splitter = new ListItems();
  const items: unknown[] = [];
  let first: unknown = null;
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    splitter.push(bytes.subarray(start, end), (text) => {
      first ??= JSON.parse(splitter.around);
      items.push(JSON.parse(text));
    });
    start = end;
  }
  return { items, around: JSON.parse(splitter.end()), first };
}

const text = fc.oneof(fc.string(), fc.constantFrom('items', '"items":[', '\\', '\\"', '{', ']', 'ä€😀', '"items"\\'));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('any'), { maxLength: 4 }),
  object: fc.dictionary(text, tie('any'), { maxKeys: 4 }),
})).object;
const around = fc.dictionary(text, value, { maxKeys: 3 }).map(({ items: _, ...rest }) => rest);

describe('items of a list', () => {
  it('are what its parser would find, in any order of fields, with anything inside, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        around,
        fc.array(value, { maxLength: 5 }),
        around,
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.constantFrom(undefined, 1),
        (before, items, after, cuts, indent) => {
          const list = JSON.stringify({ ...before, items, ...after }, null, indent);
          const found = read(list, cuts);
          expect(found.items).to.deep.equal(items);
          expect(found.around).to.deep.equal({ ...JSON.parse(list), items: [] });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('come with what stands before them', () => {
    const list =
      '{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[{"a":1},{"b":[{}]}],"x":2}';
    const { first, items, around: rest } = read(list, [7, 90]);
    expect(first).to.deep.equal({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '5' }, items: [] });
    expect(items).to.deep.equal([{ a: 1 }, { b: [{}] }]);
    expect(rest).to.deep.include({ kind: 'PodList', items: [], x: 2 });
  });

  it('are none where there is no list of them', () => {
    for (const list of ['{"items":null,"kind":"X"}', '{"kind":"X"}', '{"data":{"items":[{"a":1}]}}', '{"items":[]}']) {
      expect(read(list, [3]).items, list).to.deep.equal([]);
    }
  });

  it('of a list that was cut off are no list', () => {
    for (const list of ['{"items":[{"a":1}', '{"items":[{"a":1}]', '{"items":[', '{', '']) {
      expect(() => read(list, []), list).to.throw(SyntaxError);
    }
  });

  it('have a longest length', () => {
    const splitter = new ListItems();
    const chunk = Buffer.alloc(1024 * 1024, 0x61);
    splitter.push(Buffer.from('{"items":[{"a":"'), () => {});
    expect(() => {
      for (let at = 0; at < 20; at++) splitter.push(chunk, () => {});
    }).to.throw(RangeError);
  });
});
