import { expect } from 'chai';
import { COMPRESSION_ERROR, LIST_TOO_LARGE } from '../../../../proxy-image/codec/http2/hpack/decode.ts';
import { HPACK_LIMITS } from '../../../../proxy-image/codec/http2/hpack/limits.ts';
import { STATIC_NAMES, STATIC_VALUES } from '../../../../proxy-image/codec/http2/hpack/static-table.ts';
import { newDecoder } from '../../../support/http2.ts';
import { DecoderRig, hex } from './hpack-rig.ts';
import {
  bitsToBytes,
  EOS_BITS,
  type Field,
  huffmanBits,
  indexed,
  integer,
  literal,
  sizeUpdate,
  text,
} from './plain-hpack.ts';

const ALL_OCTETS = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));

function refuses(title: string, ...parts: readonly (readonly number[])[]): void {
  it(title, () => expect(new DecoderRig().decode(...parts)).to.equal(COMPRESSION_ERROR));
}

function accepts(title: string, fields: readonly Field[], ...parts: readonly (readonly number[])[]): void {
  it(title, () => expect(new DecoderRig().fields(...parts)).to.deep.equal(fields));
}

describe('HPACK decoder: integers and texts', () => {
  const plain = (length: number[], rest: number[] = []): number[] => [0x00, 1, 120, ...length, ...rest];

  accepts('RFC 7541 §5.1: zeros that pad an integer are no error', [['x', '']], [0x00, 1, 120, 0x00]);
  accepts('RFC 7541 §5.1: padded with zeros up to five octets', [[':method', 'GET']], hex('3f8180808000'), indexed(2));
  accepts(
    'RFC 7541 §5.1: a length of exactly the prefix',
    [['x', 'a'.repeat(127)]],
    literal('plain', 'x', 'a'.repeat(127)),
  );
  accepts(
    'RFC 7541 §5.1: a length of three octets',
    [['x', 'a'.repeat(9000)]],
    literal('plain', 'x', 'a'.repeat(9000)),
  );
  refuses('RFC 7541 §5.1: a sixth continuation octet', plain(hex('7f808080808000')));
  refuses('RFC 7541 §5.1: more than 2^31 - 1', plain(integer(0, 7, 2 ** 31)));
  refuses(
    'RFC 7541 §5.1: more than 2^32, which would be small if it wrapped',
    plain(integer(0, 7, 2 ** 32 + 3), [1, 2, 3]),
  );
  refuses('RFC 7541 §5.1: cut within an integer', [0xff, 0x80]);
  refuses('RFC 7541 §5.1: cut behind a full prefix', [0xff]);
  refuses('RFC 7541 §5.2: a text that is longer than the block', plain([5], [97, 97, 97, 97]));
  refuses('RFC 7541 §5.2: no value', [0x00, 1, 120]);
  refuses('RFC 7541 §5.2: no name', [0x00]);
  refuses('RFC 7541 §5.2: no value behind an indexed name', [0x0f, 0x01]);
  accepts('RFC 7541 §5.2: empty name and value', [['', '']], [0x00, 0, 0]);
  accepts('RFC 7541 §5.2: every octet is one character', [['x', ALL_OCTETS]], literal('plain', 'x', ALL_OCTETS));
});

describe('HPACK decoder: Huffman', () => {
  const coded = (octets: number[]): number[] => [0x00, 1, 120, ...integer(0x80, 7, octets.length), ...octets];

  accepts('RFC 7541 §B: every octet', [['x', ALL_OCTETS]], literal('plain', 'x', ALL_OCTETS, true));
  accepts('RFC 7541 §5.2: an empty coded text', [['x', '']], coded([]));
  it('RFC 7541 §5.2: padding of each length from 0 to 7, all ones', () => {
    // `0` has five bits: one to eight of them leave every length of padding.
    const seen = new Set<number>();
    for (let count = 1; count <= 8; count++) {
      seen.add((8 - ((count * 5) % 8)) % 8);
      expect(new DecoderRig().list(coded(bitsToBytes(huffmanBits('0'.repeat(count))))).first('x')).to.equal(
        '0'.repeat(count),
      );
    }
    expect([...seen].sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
  });
  refuses('RFC 7541 §5.2: padding of eight bits', coded([...bitsToBytes(huffmanBits('00000000')), 0xff]));
  refuses(
    'RFC 7541 §5.2: padding of fifteen bits',
    coded([...bitsToBytes(huffmanBits('00000') + '1'.repeat(7)), 0xff]),
  );
  refuses('RFC 7541 §5.2: padding with zeros', coded([0b00000_000]));
  refuses('RFC 7541 §5.2: padding with one zero', coded([0b00000_110]));
  refuses('RFC 7541 §5.2: EOS', coded(bitsToBytes(EOS_BITS)));
  refuses('RFC 7541 §5.2: EOS between texts', coded(bitsToBytes(huffmanBits('a') + EOS_BITS + huffmanBits('abc'))));
  refuses('RFC 7541 §5.2: a code that is cut off', coded(bitsToBytes(EOS_BITS.slice(0, 24))));
});

describe('HPACK decoder: tables', () => {
  it('RFC 7541 §A: the static table has 61 entries', () => {
    const rig = new DecoderRig();
    for (let index = 1; index <= 61; index++) {
      expect(rig.fields(indexed(index))).to.deep.equal([[STATIC_NAMES[index]!, STATIC_VALUES[index]!]]);
    }
    expect(rig.fields(indexed(1), indexed(61))).to.deep.equal([
      [':authority', ''],
      ['www-authenticate', ''],
    ]);
  });

  refuses('RFC 7541 §6.1: index 0', [0x80]);
  refuses('RFC 7541 §2.3.3: an index behind the static table while the dynamic one is empty', indexed(62));
  refuses('RFC 7541 §2.3.3: such an index as a name', literal('plain', 62, 'x'));
  refuses('RFC 7541 §2.3.3: an index far away', indexed(2 ** 31 - 1));

  it('RFC 7541 §2.3.2: the newest entry has the lowest index', () => {
    const rig = new DecoderRig();
    rig.list(literal('indexing', 'a', '1'), literal('indexing', 'b', '2'));
    expect(rig.fields(indexed(62), indexed(63))).to.deep.equal([
      ['b', '2'],
      ['a', '1'],
    ]);
  });

  it('RFC 7541 §2.2: what a block inserts can be referred to in the same block', () => {
    expect(
      new DecoderRig().fields(literal('indexing', 'a', '1'), indexed(62), literal('plain', 62, '2')),
    ).to.deep.equal([
      ['a', '1'],
      ['a', '1'],
      ['a', '2'],
    ]);
  });

  it('RFC 7541 §4.4: a new entry may take its name from the one that it evicts', () => {
    const rig = new DecoderRig();
    rig.list(literal('indexing', 'name', 'x'.repeat(4096 - 36)));
    expect(rig.fields(literal('indexing', 62, 'y'), indexed(62))).to.deep.equal([
      ['name', 'y'],
      ['name', 'y'],
    ]);
    expect(rig.decode(indexed(63))).to.equal(COMPRESSION_ERROR);
  });

  it('RFC 7541 §4.4: an entry that is larger than the table empties it, and is no error', () => {
    const rig = new DecoderRig();
    rig.list(literal('indexing', 'a', '1'));
    expect(rig.fields(literal('indexing', 'b', 'x'.repeat(4096 - 32)))).to.have.length(1);
    expect(rig.decode(indexed(62))).to.equal(COMPRESSION_ERROR);
  });

  it('RFC 7541 §4.1: 128 entries of nothing but overhead fit, the next evicts the oldest', () => {
    const rig = new DecoderRig();
    rig.list(literal('indexing', 'oldest', ''));
    for (let i = 0; i < 128; i++) rig.list([0x40, 0, 0]);
    expect(rig.fields(indexed(62 + 127))).to.deep.equal([['', '']]);
    expect(rig.decode(indexed(62 + 128))).to.equal(COMPRESSION_ERROR);
  });

  it('wraps around many times without losing its order', () => {
    const rig = new DecoderRig();
    for (let i = 0; i < 1_000; i++) {
      rig.list(literal('indexing', 'n', `${i}`));
      expect(rig.fields(indexed(62), indexed(62 + Math.min(i, 50)))).to.deep.equal([
        ['n', `${i}`],
        ['n', `${i - Math.min(i, 50)}`],
      ]);
    }
  });
});

describe('HPACK decoder: table size updates', () => {
  refuses('RFC 7541 §6.3: above what we have advertised', sizeUpdate(4097));
  refuses('RFC 7541 §4.2: behind a field', indexed(2), sizeUpdate(0));
  refuses('RFC 7541 §4.2: a third one, which nobody needs (B11)', sizeUpdate(0), sizeUpdate(4096), sizeUpdate(0));
  accepts(
    'RFC 7541 §4.2: two before the first field',
    [[':method', 'GET']],
    sizeUpdate(0),
    sizeUpdate(4096),
    indexed(2),
  );

  it('RFC 7541 §4.3: a smaller size evicts the oldest entries', () => {
    const rig = new DecoderRig();
    rig.list(literal('indexing', 'a', '1'), literal('indexing', 'b', '2'));
    expect(rig.fields(sizeUpdate(34), indexed(62))).to.deep.equal([['b', '2']]);
    expect(rig.decode(indexed(63))).to.equal(COMPRESSION_ERROR);
  });

  it('RFC 7541 §4.2: size 0 empties the table, and it can grow again', () => {
    const rig = new DecoderRig();
    rig.list(literal('indexing', 'a', '1'));
    rig.list(sizeUpdate(0), sizeUpdate(4096));
    expect(rig.decode(indexed(62))).to.equal(COMPRESSION_ERROR);
    rig.list(literal('indexing', 'b', '2'));
    expect(rig.fields(indexed(62))).to.deep.equal([['b', '2']]);
  });
});

describe('HPACK decoder: limits', () => {
  const probe = literal('indexing', 'probe', '1');

  it('B4: one field may be all of a list; one octet more is refused, and the table stays in step', () => {
    for (const coded of [false, true]) {
      const rig = new DecoderRig();
      rig.list(probe);
      const limit = HPACK_LIMITS.listBytes - 32;
      expect(rig.fields(literal('plain', 'x', 'a'.repeat(limit - 1), coded))).to.have.length(1);
      expect(rig.decode(literal('plain', 'x', 'a'.repeat(limit), coded))).to.equal(LIST_TOO_LARGE);
      expect(rig.decode(literal('plain', 'a'.repeat(limit + 1), '', coded), indexed(62))).to.equal(LIST_TOO_LARGE);
      expect(rig.fields(indexed(62))).to.deep.equal([['probe', '1']]);
    }
  });

  it('B4: 200 fields pass, 201 do not', () => {
    const rig = new DecoderRig();
    expect(rig.fields(new Array<number>(200).fill(0x82))).to.have.length(200);
    expect(rig.decode(new Array<number>(201).fill(0x82))).to.equal(LIST_TOO_LARGE);
  });

  it('B4: a list of 64 KiB passes, one octet more does not', () => {
    const rig = new DecoderRig();
    const quarter = literal('plain', 'x', 'a'.repeat(16 * 1024 - 33));
    expect(rig.list(quarter, quarter, quarter, quarter).sizeBytes).to.equal(64 * 1024);
    const longer = literal('plain', 'x', 'a'.repeat(16 * 1024 - 32));
    expect(rig.decode(quarter, quarter, quarter, longer)).to.equal(LIST_TOO_LARGE);
  });

  it('B11: references that blow up are counted, not made', () => {
    const rig = new DecoderRig();
    rig.list(literal('indexing', 'x', 'a'.repeat(4_000)));
    const bomb = new Array<number>(60_000).fill(0xbe);
    const before = process.memoryUsage().heapUsed;
    expect(rig.decode(bomb)).to.equal(LIST_TOO_LARGE);
    // As strings and arrays it would be 60,000 references and 240 MB of text.
    expect(process.memoryUsage().heapUsed - before).to.be.below(40_000_000);
    expect(rig.fields(indexed(62))).to.deep.equal([['x', 'a'.repeat(4_000)]]);
  });

  it('B11: cookie crumbs count 32 octets each', () => {
    const rig = new DecoderRig({ ...HPACK_LIMITS, listBytes: 1_000, fieldCount: 1_000 });
    const crumb = literal('plain', 32, '');
    expect(rig.fields(...new Array<number[]>(26).fill(crumb))).to.have.length(26);
    expect(rig.decode(...new Array<number[]>(27).fill(crumb))).to.equal(LIST_TOO_LARGE);
  });

  it('B11: what is inserted behind the limit is in the table', () => {
    const rig = new DecoderRig();
    const flood = new Array<number>(300).fill(0x82);
    expect(rig.decode(flood, literal('indexing', 'late', 'yes', true), flood)).to.equal(LIST_TOO_LARGE);
    expect(rig.fields(indexed(62))).to.deep.equal([['late', 'yes']]);
  });

  it('B11: nonsense behind the limit is a compression error all the same', () => {
    const flood = new Array<number>(300).fill(0x82);
    expect(new DecoderRig().decode(flood, [0x80])).to.equal(COMPRESSION_ERROR);
    expect(new DecoderRig().decode(flood, literal('plain', 'x', 'y').slice(0, -1))).to.equal(COMPRESSION_ERROR);
    expect(new DecoderRig().decode(flood, [0x00, ...text('x'), 0x84, 255, 255, 255, 255])).to.equal(COMPRESSION_ERROR);
  });

  it('a limit above what can be materialised is a mistake of the caller', () => {
    expect(() => newDecoder({ ...HPACK_LIMITS, listBytes: 1024 * 1024 + 1 })).to.throw(RangeError);
  });
});
