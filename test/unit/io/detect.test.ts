import { expect } from 'chai';
import { detectProtocol } from '../../../proxy-image/io/detect/detect.ts';

const detect = (text: string) => detectProtocol(Buffer.from(text, 'latin1'));

/** The decision, made as soon as it can be and never changed by what follows. */
function decidedBy(text: string): string | null {
  for (let length = 0; length <= text.length; length++) {
    const protocol = detect(text.slice(0, length));
    if (protocol === null) continue;
    expect(detect(text), `decided after ${length} bytes of ${JSON.stringify(text)}`).to.equal(protocol);
    return protocol;
  }
  return null;
}

describe('protocol detection', () => {
  for (const [text, protocol] of [
    ['GET / HTTP/1.1\r\n', 'http1'],
    ['OPTIONS * HTTP/1.1\r\n', 'http1'],
    ['CONNECT web:443 HTTP/1.1\r\n', 'http1'],
    ['GET http://web/ HTTP/1.1\r\n', 'http1'],
    ['M-SEARCH * HTTP/1.1\r\n', 'http1'],
    ['PROPFIND /dav HTTP/1.1\r\n', 'http1'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'http2'],
    ['PRINT / HTTP/1.1\r\n', 'http1'],
    ['\x16\x03\x01\x02\x00', 'tls'],
    ['\x16\x02\x00', 'opaque'],
    ['*1\r\n$4\r\nPING\r\n', 'opaque'],
    ['EHLO mail\r\n', 'opaque'],
    ['SET key value\r\n', 'opaque'],
    [`GET ${'a'.repeat(9000)}`, 'opaque'],
    ['SSH-2.0-OpenSSH\r\n', 'opaque'],
    ['get / HTTP/1.1\r\n', 'opaque'],
    ['GET\t/ HTTP/1.1\r\n', 'opaque'],
    ['GET\r\n', 'opaque'],
    ['GET  / HTTP/1.1\r\n', 'opaque'],
    [`${'A'.repeat(40)} / HTTP/1.1\r\n`, 'opaque'],
    ['\0\0\0\x08\x04\xd2\x16\x2f', 'opaque'],
    [' GET / HTTP/1.1\r\n', 'opaque'],
  ] as const) {
    it(`${JSON.stringify(text).slice(0, 40)} is ${protocol}`, () => expect(decidedBy(text)).to.equal(protocol));
  }

  for (const text of ['', 'G', 'GET', 'GET ', 'PRI * HTTP/2', '\x16']) {
    it(`${JSON.stringify(text)} is not decided`, () => expect(detect(text)).to.equal(null));
  }
});
