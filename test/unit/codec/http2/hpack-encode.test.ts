import { expect } from 'chai';
import fc from 'fast-check';
import { FIRST_BLOCK_PREFIX } from '../../../../proxy-image/codec/http2/hpack/encode.ts';
import { HeaderList } from '../../../../proxy-image/codec/http2/hpack/header-list.ts';
import { STATIC_NAMES, STATIC_VALUES } from '../../../../proxy-image/codec/http2/hpack/static-table.ts';
import { encodeBlock } from '../../../support/http2.ts';
import { DecoderRig } from './hpack-rig.ts';
import { indexed, integer, literal, PlainDecoder, sizeUpdate } from './plain-hpack.ts';

const SEED = 20_261_125;
const octets = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.nat(255), { maxLength }).map((codes) => String.fromCharCode(...codes));

function encode(name: string, value: string, sensitive = false): number[] {
  return [...encodeBlock([name], [value], sensitive ? new Set([0]) : null)];
}

describe('HPACK encoder', () => {
  it('RFC 7541 §6.1: an entry of the static table is its index', () => {
    for (let index = 1; index <= 61; index++) {
      if (STATIC_VALUES[index] === '') continue;
      expect(encode(STATIC_NAMES[index]!, STATIC_VALUES[index]!)).to.deep.equal(indexed(index));
    }
  });

  it('RFC 7541 §6.2.2: a name of the static table is its first index', () => {
    expect(encode(':status', '418')).to.deep.equal(literal('plain', 8, '418'));
    expect(encode(':path', '/a')).to.deep.equal(literal('plain', 4, '/a'));
    expect(encode('www-authenticate', '')).to.deep.equal(literal('plain', 61, ''));
  });

  it('RFC 7541 §6.2.2: any other name is a text', () => {
    expect(encode('x-any', 'thing')).to.deep.equal(literal('plain', 'x-any', 'thing'));
  });

  it('RFC 7541 §6.2.3: a sensitive field stays one, even where an index would do', () => {
    expect(encode('authorization', 'secret', true)).to.deep.equal(literal('never', 23, 'secret'));
    expect(encode('x-any', 'thing', true)).to.deep.equal(literal('never', 'x-any', 'thing'));
    expect(encode('accept-encoding', 'gzip, deflate', true)).to.deep.equal(literal('never', 16, 'gzip, deflate'));
  });

  it('RFC 7541 §5.1: lengths around every change of size', () => {
    for (const length of [0, 1, 63, 64, 65, 126, 127, 128, 254, 255, 16_510, 16_511, 70_000]) {
      const value = 'v'.repeat(length);
      expect(encode('x', value)).to.deep.equal([0x00, 1, 120, ...integer(0, 7, length), ...Buffer.from(value)]);
    }
  });

  it('RFC 7541 §4.2: the prefix of the first block gives the dynamic table up', () => {
    expect([...FIRST_BLOCK_PREFIX]).to.deep.equal(sizeUpdate(0));
    const rig = new DecoderRig();
    rig.list(literal('indexing', 'a', '1'));
    expect(rig.fields([...FIRST_BLOCK_PREFIX], encode(':path', '/'))).to.deep.equal([[':path', '/']]);
    expect(rig.decode(indexed(62))).to.equal(-1);
  });

  it('a block is memory of its own', () => {
    const first = encodeBlock(['a'], ['1'], null);
    encodeBlock(['b'], ['2'], null);
    expect([...first]).to.deep.equal(literal('plain', 'a', '1'));
  });

  it('round trip: whatever is encoded is decoded to the same, sensitivity included', () => {
    const name = fc.oneof(fc.constantFrom(...STATIC_NAMES.slice(1)), octets(40));
    const value = fc.oneof(fc.constantFrom(...STATIC_VALUES), octets(200));
    const field = fc.tuple(name, value, fc.boolean());
    fc.assert(
      fc.property(fc.array(field, { maxLength: 30 }), (fields) => {
        const sensitive = new Set(fields.flatMap(([, , isSensitive], i) => (isSensitive ? [i] : [])));
        const names = fields.map(([first]) => first);
        const values = fields.map(([, second]) => second);
        const block = [...encodeBlock(names, values, sensitive)];
        const list = new DecoderRig().decode(block);
        if (!(list instanceof HeaderList)) throw new Error(`refused: ${list}`);
        expect(list.names).to.deep.equal(names);
        expect(list.values).to.deep.equal(values);
        expect([...(list.sensitive ?? [])]).to.deep.equal([...sensitive]);
        expect(new PlainDecoder().decode(block)).to.deep.equal(names.map((first, i) => [first, values[i]]));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
