import { expect } from 'chai';
import fc from 'fast-check';
import { HeaderList } from '../../../../proxy-image/codec/http2/hpack/header-list.ts';
import { DecoderRig, fieldsOf } from './hpack-rig.ts';
import { indexed, literal, PlainDecoder, sizeUpdate } from './plain-hpack.ts';

const SEED = 20_261_125;

describe('HPACK decoder: equal blocks', () => {
  const plain = [...indexed(2), ...literal('plain', 'x', 'y')];

  it('give the same list from the third time on', () => {
    const rig = new DecoderRig();
    rig.decode(plain);
    const second = rig.decode(plain);
    expect(rig.decode(plain)).to.equal(second);
    expect(rig.decode(plain)).to.equal(second);
  });

  it('of the static table and literals stay known whatever happens to the dynamic table', () => {
    const rig = new DecoderRig();
    rig.decode(plain);
    const second = rig.decode(plain);
    rig.decode(literal('indexing', 'a', '1'));
    rig.decode(sizeUpdate(0));
    expect(rig.decode(plain)).to.equal(second);
  });

  it('that refer to the dynamic table are known until it changes', () => {
    const rig = new DecoderRig();
    rig.decode(literal('indexing', 'a', '1'));
    for (const value of ['1', '2', '3']) {
      rig.decode(literal('indexing', 'a', value));
      rig.decode(indexed(62));
      const list = rig.list(indexed(62));
      expect(fieldsOf(list)).to.deep.equal([['a', value]]);
      expect(rig.decode(indexed(62))).to.equal(list);
    }
  });

  it('that insert do so every time', () => {
    const rig = new DecoderRig();
    const block = literal('indexing', 'a', '1');
    for (let count = 1; count <= 5; count++) {
      rig.decode(block);
      expect(rig.fields(indexed(61 + count))).to.deep.equal([['a', '1']]);
    }
  });

  it('that empty the table by an entry that is too large do so every time', () => {
    const rig = new DecoderRig();
    rig.decode(sizeUpdate(40));
    const emptying = literal('indexing', 'a', 'x'.repeat(20));
    for (let i = 0; i < 5; i++) {
      rig.decode(literal('indexing', 'b', '2'));
      rig.decode(emptying);
      expect(rig.decode(indexed(62))).to.equal(-1);
    }
  });

  it('are told apart by every octet, long ones too', () => {
    const rig = new DecoderRig();
    const base = 'v'.repeat(700);
    for (let i = 0; i < 3; i++) rig.decode(literal('plain', 'x', base));
    for (let at = 0; at < base.length; at++) {
      const value = `${base.slice(0, at)}w${base.slice(at + 1)}`;
      for (let i = 0; i < 3; i++) expect(rig.list(literal('plain', 'x', value)).first('x')).to.equal(value);
    }
  });

  it('mean what a plain decoder says, in any order', () => {
    const name = fc.constantFrom<string | number>('a', 'bb', 'x-long-name-of-a-field', 1, 4, 61, 62, 63);
    const value = fc.constantFrom('', '1', '2', '/path', 'v'.repeat(100), 'w'.repeat(900), 'u'.repeat(2_100));
    const kind = fc.constantFrom<'indexing' | 'plain' | 'never'>('indexing', 'plain', 'plain', 'plain', 'never');
    const field = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(1, 2, 3, 8, 61, 62, 63, 64, 66).map(indexed) },
      {
        weight: 3,
        arbitrary: fc.tuple(kind, name, value, fc.boolean()).map((parts) => literal(...parts)),
      },
    );
    const update = fc.constantFrom(
      ...new Array<number[]>(20).fill([]),
      sizeUpdate(0),
      sizeUpdate(100),
      sizeUpdate(4096),
    );
    const block = fc
      .tuple(update, fc.array(field, { maxLength: 6 }))
      .map(([first, rest]) => [...first, ...rest.flat()]);
    const session = fc
      .array(block, { minLength: 1, maxLength: 6 })
      .chain((blocks) => fc.array(fc.constantFrom(...blocks), { maxLength: 60 }));
    let known = 0;
    fc.assert(
      fc.property(session, (blocks) => {
        const rig = new DecoderRig();
        const reference = new PlainDecoder();
        const seen = new Set<HeaderList>();
        const filled = ['1', '2', '3', '4', '5'].flatMap((text) => literal('indexing', 'n', text));
        expect(rig.fields(filled)).to.deep.equal(reference.decode(filled));
        for (const octets of blocks) {
          const expected = reference.decode(octets);
          const list = rig.decode(octets);
          if (expected === null) {
            expect(list).to.equal(-1);
            return;
          }
          if (!(list instanceof HeaderList)) throw new Error(`refused: ${list}`);
          expect(fieldsOf(list)).to.deep.equal(expected);
          if (seen.has(list)) known++;
          seen.add(list);
        }
      }),
      { seed: SEED, numRuns: 1_000 },
    );
    expect(known, 'lists that were known').to.be.above(500);
  });
});
