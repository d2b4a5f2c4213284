import { expect } from 'chai';
import fc from 'fast-check';
import { encodeFrame, FrameReader, frameHeader } from '../../../proxy-image/contract/framing.ts';

const MAX_BYTES = 1_000_000;

function bytes(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe('framing', () => {
  it('reads what was written, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 5 }),
        fc.array(fc.nat(40), { maxLength: 30 }),
        (messages, cuts) => {
          const stream = bytes(...messages.map(encodeFrame));
          const reader = new FrameReader(MAX_BYTES);
          const read: unknown[] = [];
          let at = 0;
          for (const cut of [...cuts, stream.length]) {
            // A socket's buffer is reused after the call: what the reader keeps must be its own.
            const chunk = stream.slice(at, at + cut);
            read.push(...reader.push(chunk));
            chunk.fill(0xff);
            at += cut;
          }
          expect(read).to.deep.equal(JSON.parse(JSON.stringify(messages)));
          expect(reader.idle).to.equal(true);
        },
      ),
    );
  });

  it('is not idle within a message', () => {
    const reader = new FrameReader(MAX_BYTES);
    reader.push(encodeFrame({ a: 1 }).subarray(0, 3));
    expect(reader.idle).to.equal(false);
  });

  it('refuses a length above the limit as soon as it is announced', () => {
    const reader = new FrameReader(100);
    expect(() => reader.push(frameHeader(101)))
      .to.throw('101 bytes announced, 100 allowed')
      .with.property('code', 'WEFT_FRAMING');
    expect(new FrameReader(100).push(bytes(encodeFrame('x'.repeat(98))))).to.have.length(1);
  });

  const broken: [string, Uint8Array][] = [
    ['an empty message', frameHeader(0)],
    ['no JSON', bytes(frameHeader(3), new TextEncoder().encode('{"a'))],
    ['two JSON texts', bytes(frameHeader(4), new TextEncoder().encode('1 {}'))],
    ['no UTF-8', bytes(frameHeader(3), new Uint8Array([0x22, 0xc3, 0x22]))],
  ];
  for (const [name, stream] of broken) {
    it(`refuses ${name}`, () => {
      expect(() => new FrameReader(MAX_BYTES).push(stream))
        .to.throw()
        .with.property('code', 'WEFT_FRAMING');
    });
  }
});
