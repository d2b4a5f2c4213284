import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeTransportHeader,
  encodeTransportHeader,
  type TransportHeader,
} from '../../../proxy-image/io/tls/transport-header.ts';

const PREFACE = 'transport.l5d.io/v1\r\n\r\n';

function framed(message: number[]): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([Buffer.from(PREFACE), length, Buffer.from(message)]);
}

describe('transport header', () => {
  it('has Linkerd’s bytes', () => {
    const http1: TransportHeader = { port: 8080, name: '', session: 'http1' };
    expect(encodeTransportHeader(http1)).to.deep.equal(framed([0x08, 0x90, 0x3f, 0x1a, 2, 0x0a, 0]));
    const opaque: TransportHeader = { port: 80, name: '', session: 'opaque' };
    expect(encodeTransportHeader(opaque)).to.deep.equal(framed([0x08, 80]));
    const named: TransportHeader = { port: 80, name: 'a.b', session: 'http2' };
    expect(encodeTransportHeader(named)).to.deep.equal(framed([0x08, 80, 0x12, 3, 97, 46, 98, 0x1a, 2, 0x12, 0]));
  });

  it('is read back, whatever follows it, and never before it is complete', () => {
    const headers = fc.record({
      port: fc.integer({ min: 1, max: 65535 }),
      name: fc.stringMatching(/^[a-z.]{0,200}$/),
      session: fc.constantFrom('opaque', 'http1', 'http2'),
    }) as fc.Arbitrary<TransportHeader>;
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 20 }), (header, rest) => {
        const bytes = encodeTransportHeader(header);
        const decoded = decodeTransportHeader(Buffer.concat([bytes, rest]));
        expect(decoded).to.deep.equal({ header, end: bytes.length });
        for (let length = 0; length < bytes.length; length++) {
          expect(decodeTransportHeader(bytes.subarray(0, length))).to.equal(null);
        }
      }),
    );
  });

  it('skips unknown fields and takes the last of a repeated one', () => {
    const decoded = decodeTransportHeader(framed([0x20, 5, 0x2a, 2, 1, 2, 0x08, 79, 0x08, 80]));
    expect(decoded).to.have.nested.property('header.port', 80);
  });

  for (const [what, bytes] of Object.entries({
    'another preface': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    'a preface that differs in its last octet': Buffer.from(`${PREFACE.slice(0, -1)}x....`),
    'an endless length': Buffer.concat([Buffer.from(PREFACE), Buffer.from([0xff, 0xff, 0xff, 0xff])]),
    'no port': framed([]),
    'port 0': framed([0x08, 0]),
    'a port beyond 65535': framed([0x08, 0x80, 0x80, 0x04]),
    'a port of the wrong wire type': framed([0x0a, 1, 80]),
    'a name of the wrong wire type': framed([0x08, 80, 0x10, 1]),
    'a session of the wrong wire type': framed([0x08, 80, 0x18, 1]),
    'a varint without end': framed([0x08, 0x80]),
    'a varint of too many octets': framed([0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 1]),
    'a length beyond the message': framed([0x08, 80, 0x12, 9, 97]),
    'a wire type that it does not have': framed([0x08, 80, 0x21, 1, 2, 3, 4, 5, 6, 7, 8]),
  })) {
    it(`refuses ${what}`, () => expect(decodeTransportHeader(bytes)).to.be.a('string'));
  }

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        decodeTransportHeader(bytes);
        decodeTransportHeader(framed([...bytes]));
      }),
      { numRuns: 2000 },
    );
  });
});
