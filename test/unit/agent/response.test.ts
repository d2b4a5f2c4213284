import { expect } from 'chai';
import { retryAfterMs, statusMessage } from '../../../proxy-image/io/config-source/kubernetes/api-error.ts';
import { JsonLines } from '../../../proxy-image/io/config-source/kubernetes/json-lines.ts';
import { type ResponseEvents, ResponseReader } from '../../../proxy-image/io/config-source/kubernetes/response.ts';

class Seen implements ResponseEvents {
  status = 0;
  headers: ReadonlyMap<string, string> = new Map();
  text = '';
  completed = 0;
  head(status: number, headers: ReadonlyMap<string, string>): void {
    this.status = status;
    this.headers = headers;
  }
  body(chunk: Uint8Array): void {
    this.text += Buffer.from(chunk).toString();
  }
  complete(): void {
    this.completed += 1;
  }
}

function read(text: string, pieceBytes: number, ends = false): Seen {
  const seen = new Seen();
  const reader = new ResponseReader(seen);
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  if (ends) reader.end();
  return seen;
}

const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n';

describe('response of the API server', () => {
  for (const pieceBytes of [1, 2, 3, 7, 1000]) {
    it(`is read in pieces of ${pieceBytes} bytes: chunked`, () => {
      const seen = read(CHUNKED, pieceBytes);
      expect(seen).to.include({ status: 200, text: 'hello 0123456789', completed: 1 });
    });

    it(`is read in pieces of ${pieceBytes} bytes: fixed length, after an interim response`, () => {
      const seen = read(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nbody',
        pieceBytes,
      );
      expect(seen).to.include({ status: 429, text: 'body', completed: 1 });
      expect(seen.headers.get('retry-after')).to.equal('3');
    });
  }

  it('without length ends with the connection, and only then', () => {
    expect(read('HTTP/1.0 200 OK\r\n\r\nabc', 5)).to.include({ text: 'abc', completed: 0 });
    expect(read('HTTP/1.0 200 OK\r\n\r\nabc', 5, true)).to.include({ text: 'abc', completed: 1 });
  });

  it('without body is complete with its head', () => {
    expect(read('HTTP/1.1 204 No Content\r\n\r\n', 100)).to.include({ status: 204, completed: 1 });
    expect(read('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', 100)).to.include({ completed: 1 });
  });

  const broken: [string, string][] = [
    ['no HTTP', 'SSH-2.0-x\r\n'],
    ['HTTP/2 in a status line', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a header without colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['a wrong chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n'],
    ['a chunk longer than its size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n'],
    ['an endless line', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}`],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}`],
  ];
  for (const [what, text] of broken)
    it(`is refused: ${what}`, () => expect(() => read(text, 100)).to.throw('malformed response'));

  it('that ends early is a failure, never a short body', () => {
    expect(() => read('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', 50, true)).to.throw('ended inside');
    expect(() => read(CHUNKED.slice(0, -5), 50, true)).to.throw('ended inside');
    expect(() => read('HTTP/1.1 200 OK\r\n', 50, true)).to.throw('ended inside');
  });
});

describe('watch events', () => {
  it('are cut at line ends wherever the bytes are cut, also inside a character', () => {
    const bytes = Buffer.from('{"a":"ä€"}\n\n{"b":2}\n{"c"');
    const lines = new JsonLines();
    const values: unknown[] = [];
    for (const byte of bytes) values.push(...lines.push(Uint8Array.of(byte)));
    expect(values).to.deep.equal([{ a: 'ä€' }, { b: 2 }]);
    expect(lines.push(Buffer.from(':3}\n'))).to.deep.equal([{ c: 3 }]);
  });

  it('that are no JSON, or endless, are refused', () => {
    expect(() => new JsonLines().push(Buffer.from('{"a":\n'))).to.throw('no JSON');
    const lines = new JsonLines();
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    expect(() => {
      for (let i = 0; i < 20; i++) lines.push(chunk);
    }).to.throw('no end');
  });
});

describe('errors of the API server', () => {
  it('carry the message of a Status, or the text that came', () => {
    expect(statusMessage('{"kind":"Status","message":"too old resource version"}')).to.equal(
      'too old resource version',
    );
    expect(statusMessage('<html>bad gateway</html>')).to.equal('<html>bad gateway</html>');
  });

  it('say in seconds when to come back', () => {
    expect(retryAfterMs('7')).to.equal(7000);
    expect(retryAfterMs(undefined)).to.equal(0);
    expect(retryAfterMs('Wed, 21 Oct 2026 07:28:00 GMT')).to.equal(0);
  });
});
