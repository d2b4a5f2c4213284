import { expect } from 'chai';
import { DecoderRig, hex } from './hpack-rig.ts';
import { type Field, indexed, sizeUpdate } from './plain-hpack.ts';

interface Example {
  block: string;
  fields: Field[];
  /** The dynamic table afterwards, newest first. */
  table: Field[];
}

const GET: Field = [':method', 'GET'];
const HTTP: Field = [':scheme', 'http'];
const ROOT: Field = [':path', '/'];
const AUTHORITY: Field = [':authority', 'www.example.com'];
const NO_CACHE: Field = ['cache-control', 'no-cache'];
const CUSTOM: Field = ['custom-key', 'custom-value'];
const DATE_21: Field = ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'];
const DATE_22: Field = ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'];
const LOCATION: Field = ['location', 'https://www.example.com'];
const PRIVATE: Field = ['cache-control', 'private'];
const COOKIE: Field = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'];

const status = (code: string): Field => [':status', code];

const REQUESTS: readonly Omit<Example, 'block'>[] = [
  { fields: [GET, HTTP, ROOT, AUTHORITY], table: [AUTHORITY] },
  { fields: [GET, HTTP, ROOT, AUTHORITY, NO_CACHE], table: [NO_CACHE, AUTHORITY] },
  {
    fields: [GET, [':scheme', 'https'], [':path', '/index.html'], AUTHORITY, CUSTOM],
    table: [CUSTOM, NO_CACHE, AUTHORITY],
  },
];
/** With a table of 256 octets, so that entries are evicted. */
const RESPONSES: readonly Omit<Example, 'block'>[] = [
  { fields: [status('302'), PRIVATE, DATE_21, LOCATION], table: [LOCATION, DATE_21, PRIVATE, status('302')] },
  { fields: [status('307'), PRIVATE, DATE_21, LOCATION], table: [status('307'), LOCATION, DATE_21, PRIVATE] },
  {
    fields: [status('200'), PRIVATE, DATE_22, LOCATION, ['content-encoding', 'gzip'], COOKIE],
    table: [COOKIE, ['content-encoding', 'gzip'], DATE_22],
  },
];

function play(rig: DecoderRig, examples: readonly Omit<Example, 'block'>[], blocks: readonly string[]): void {
  examples.forEach(({ fields, table }, i) => {
    expect(rig.fields(hex(blocks[i]!))).to.deep.equal(fields);
    expect(rig.fields(...table.map((_, position) => indexed(62 + position)))).to.deep.equal(table);
    expect(rig.decode(indexed(62 + table.length)), 'nothing behind the table').to.equal(-1);
  });
}

describe('HPACK: examples of RFC 7541 Appendix C', () => {
  it('RFC 7541 §C.1: integers within and beyond a prefix', () => {
    expect(new DecoderRig().fields(hex('2a'), indexed(2)), 'size 10').to.deep.equal([GET]);
    expect(new DecoderRig().fields(hex('3f9a0a'), indexed(2)), 'size 1337').to.deep.equal([GET]);
  });

  it('RFC 7541 §C.2.1: literal field with indexing', () => {
    play(
      new DecoderRig(),
      [{ fields: [['custom-key', 'custom-header']], table: [['custom-key', 'custom-header']] }],
      ['400a637573746f6d2d6b65790d637573746f6d2d686561646572'],
    );
  });

  it('RFC 7541 §C.2.2: literal field without indexing', () => {
    play(new DecoderRig(), [{ fields: [[':path', '/sample/path']], table: [] }], ['040c2f73616d706c652f70617468']);
  });

  it('RFC 7541 §C.2.3: literal field that is never indexed', () => {
    const list = new DecoderRig().list(hex('100870617373776f726406736563726574'));
    expect(list.first('password')).to.equal('secret');
    expect([...list.sensitive!]).to.deep.equal([0]);
  });

  it('RFC 7541 §C.2.4: indexed field', () => {
    play(new DecoderRig(), [{ fields: [GET], table: [] }], ['82']);
  });

  it('RFC 7541 §C.3: requests without Huffman', () => {
    play(new DecoderRig(), REQUESTS, [
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ]);
  });

  it('RFC 7541 §C.4: requests with Huffman', () => {
    play(new DecoderRig(), REQUESTS, [
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ]);
  });

  it('RFC 7541 §C.5: responses without Huffman, with eviction', () => {
    const rig = new DecoderRig();
    expect(rig.fields(sizeUpdate(256))).to.deep.equal([]);
    play(rig, RESPONSES, [
      '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
      '4803333037c1c0bf',
      '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
    ]);
  });

  it('RFC 7541 §C.6: responses with Huffman, with eviction', () => {
    const rig = new DecoderRig();
    expect(rig.fields(sizeUpdate(256))).to.deep.equal([]);
    play(rig, RESPONSES, [
      '488264025885aec3771a4b6196d07abe941054d444a820059504 0b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
      '4883640effc1c0bf',
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ]);
  });
});
