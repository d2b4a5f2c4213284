import { expect } from 'chai';
import fc from 'fast-check';
import { Translation } from '../../../../proxy-image/codec/bridge/translate.ts';
import { lastChunk } from '../../../../proxy-image/codec/http1/chunks.ts';
import { RequestHead, ResponseHead } from '../../../../proxy-image/codec/http1/head.ts';
import { parseRequest } from '../../../../proxy-image/codec/http1/parse-request.ts';
import { parseResponse } from '../../../../proxy-image/codec/http1/parse-response.ts';
import { writeRequestHead, writtenSize } from '../../../../proxy-image/codec/http1/serialize.ts';
import { FIRST_BLOCK_PREFIX } from '../../../../proxy-image/codec/http2/hpack/encode.ts';
import { HPACK_LIMITS } from '../../../../proxy-image/codec/http2/hpack/limits.ts';
import type { Http2Request } from '../../../../proxy-image/codec/http2/request.ts';
import type { Http2Response } from '../../../../proxy-image/codec/http2/response.ts';
import { passesInTrailers } from '../../../../proxy-image/http/fields.ts';
import { ExtraFields, NO_EXTRA_FIELDS } from '../../../../proxy-image/http/message.ts';
import { newDecoder, requestOf, responseOf, trailersOf } from '../../../support/http2.ts';
import { http2Request, listOf } from '../../http/rig.ts';

const translation = new Translation();

const EXTRA = new ExtraFields([['l5d-dst-canonical', 'web.shop.svc.cluster.local:80']]);

/** Texts that mean something to one of the versions, and octets that neither may let through. */
const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  'HTTP/1.1',
  'chunked',
  '0\r\n\r\n',
  'GET / HTTP/1.1',
  '\x7f',
  'é',
  '#',
  '?',
  '/',
];
const nasty = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ minLength: 1, maxLength: 6 })), { maxLength: 5 })
  .map((parts) => parts.join(''));
const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/);
const name = fc.oneof(
  { weight: 4, arbitrary: token },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'cookie',
      'te',
      'expect',
      'content-length',
      'transfer-encoding',
      'connection',
      'host',
      'upgrade',
      'l5d-client-id',
      'keep-alive',
      'x-a',
    ),
  },
  { weight: 1, arbitrary: nasty },
);
const value = fc.oneof(
  { weight: 3, arbitrary: fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/) },
  { weight: 2, arbitrary: fc.constantFrom('', 'trailers', 'chunked', '5', '0', '100-continue', 'web', 'a=1', 'close') },
  { weight: 1, arbitrary: nasty },
);
const fields = fc.array(fc.tuple(name, value), { maxLength: 8 });
const pseudo = fc.record({
  method: fc.oneof(fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'X-OWN'), nasty),
  path: fc.oneof(fc.constantFrom('/', '/a?b=c', '*', '//x', '/%00'), fc.webPath(), nasty),
  authority: fc.oneof(fc.constantFrom('web', 'web:80', '[::1]:80', 'a.b'), nasty),
});

describe('between the versions of HTTP', () => {
  it('A16: every valid request of HTTP/2 is one request of HTTP/1 that says the same', () => {
    fc.assert(
      fc.property(
        pseudo,
        fields,
        fc.boolean(),
        fc.boolean(),
        ({ method, path, authority }, own, unannounced, whole) => {
          const start: [string, string][] = [
            [':method', method],
            [':scheme', 'http'],
            [':authority', authority],
            [':path', path],
          ];
          const request = requestOf(listOf([...start, ...own]));
          if (typeof request === 'number') return;
          const chunks = unannounced && request.contentLength === -1;
          sameInHttp1(request, chunks, whole);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('at the limits of both versions too', () => {
    const many = Array.from({ length: HPACK_LIMITS.fieldCount - 4 }, (_, i): [string, string] => [
      `x-${i}`,
      'v'.repeat(200),
    ]);
    sameInHttp1(http2Request(...many), true, false);
    sameInHttp1(http2Request(['cookie', 'c'.repeat(8000)], ['cookie', 'd'.repeat(8000)]), false, true);
  });

  it('with cookies that are empty', () => {
    sameInHttp1(http2Request(['cookie', '!'], ['cookie', '']), false, false);
    sameInHttp1(http2Request(['cookie', ''], ['cookie', ''], ['cookie', 'a=b']), false, false);
  });

  function sameInHttp1(request: Http2Request, chunks: boolean, whole: boolean): void {
    const bytes = Buffer.from(translation.requestTextOf(request, EXTRA, chunks, whole), 'latin1');
    const head = new RequestHead();
    expect(parseRequest(head, bytes, 0, bytes.length), bytes.toString('latin1')).to.equal(bytes.length);
    expect([head.method, head.target, head.host]).to.deep.equal([request.method, request.target, request.host]);
    expect([head.isHead, head.idempotent]).to.deep.equal([request.isHead, request.idempotent]);
    expect(head.chunked).to.equal(chunks);
    if (!chunks && request.contentLength !== -1) expect(head.contentLength).to.equal(request.contentLength);
    expect(head.close || head.upgrade || head.connectionUpgrade).to.equal(false);
    const mesh = bytes.toString('latin1').match(/^l5d-[^:]*/gm);
    expect(mesh).to.deep.equal(['l5d-dst-canonical']);
    const cookies = request.list.values.filter((_, i) => request.list.names[i] === 'cookie');
    // Blanks around a value are not part of it (RFC 9110 section 5.5): of an empty last cookie only the semicolon is left.
    expect(head.first('cookie')).to.equal(cookies.join('; ').trimEnd());
    for (const field of new Set(request.list.names)) {
      if (field.startsWith(':') || field === 'host' || field === 'cookie' || field.startsWith('l5d-')) continue;
      expect(head.first(field), field).to.equal(request.first(field));
    }
  }

  it('every valid request of HTTP/1 is one of HTTP/2 that says the same', () => {
    fc.assert(
      fc.property(pseudo, fields, fc.constantFrom('1.0', '1.1'), ({ method, path, authority }, own, version) => {
        const lines = own.map(([field, text]) => `${field}: ${text}\r\n`).join('');
        sameInHttp2(`${method} ${path} HTTP/${version}\r\nhost: ${authority}\r\n${lines}\r\n`);
      }),
      { numRuns: 3000 },
    );
  });

  it('also in absolute form, without a host in HTTP/1.0, and at the limits', () => {
    expect(sameInHttp2('GET http://web/a HTTP/1.1\r\nHost: web\r\n\r\n')).to.equal(true);
    expect(sameInHttp2('GET http://web/a HTTP/1.0\r\n\r\n')).to.equal(true);
    expect(sameInHttp2('GET /a?b HTTP/1.0\r\n\r\n')).to.equal(true);
    expect(sameInHttp2('GET / HTTP/1.0\r\nConnection: keep-alive, x-a\r\nX-A: 1\r\nX-B: 2\r\n\r\n')).to.equal(true);
    const many = Array.from({ length: 199 }, (_, i) => `x-${i}: ${'v'.repeat(250)}\r\n`).join('');
    expect(sameInHttp2(`GET / HTTP/1.1\r\nHost: web\r\n${many}\r\n`)).to.equal(true);
    const long = Array.from({ length: 4 }, (_, i) => `x-${i}: ${'v'.repeat(16_300)}\r\n`).join('');
    const rest = 65_536 - 34 - long.length;
    expect(sameInHttp2(`GET / HTTP/1.1\r\nHost: web\r\n${long}y: ${'v'.repeat(rest)}\r\n\r\n`)).to.equal(true);
  });

  /** False: it is no request. */
  function sameInHttp2(text: string): boolean {
    const bytes = Buffer.from(text, 'latin1');
    const head = new RequestHead();
    if (parseRequest(head, bytes, 0, bytes.length) !== bytes.length) return false;
    const said = [head.method, head.target, head.host];
    const kept = new Map<string, string>();
    for (let i = 0; i < head.count; i++) {
      if (head.dropped[i] === 1) continue;
      const field = bytes.toString('latin1', head.nameStart[i], head.nameEnd[i]).toLowerCase();
      if (!kept.has(field)) kept.set(field, head.value(i));
    }
    for (const extra of [EXTRA, NO_EXTRA_FIELDS]) {
      const written = Buffer.alloc(writtenSize(head, extra.lines, 'web:80'));
      const length = writeRequestHead(written, head, extra.lines, 'web:80');
      const list = decoded(translation.requestBlockOf(written, length, extra, 'web:80'));
      expect(list.first(':method')).to.equal(said[0]);
      expect(list.first(':path')).to.equal(said[1]);
      expect(list.first(':authority')).to.equal(said[2] === '' ? 'web:80' : said[2]);
      expect(list.names.filter((field) => field.startsWith('l5d-'))).to.deep.equal(extra.names);
      for (const field of ['connection', 'host', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']) {
        expect(list.names).not.to.include(field);
        kept.delete(field);
      }
      for (const [field, own] of kept) expect(list.first(field), field).to.equal(own);
      // HTTP/1.0 may have said no host, which our own strictness asks for.
      if (said[2] !== '') expect(requestOf(list)).to.be.an('object');
    }
    return true;
  }

  it('every valid response of HTTP/2 is one response of HTTP/1 that says the same', () => {
    const status = fc.constantFrom('100', '103', '200', '204', '206', '304', '404', '503', '599');
    const framing = fc.constantFrom('', 'transfer-encoding: chunked\r\n', 'content-length: 0\r\n');
    fc.assert(
      fc.property(status, fields, framing, (code, own, line) => {
        const response = responseOf(listOf([[':status', code], ...own]));
        if (typeof response === 'number' || (line !== '' && (isBodiless(response) || response.contentLength !== -1)))
          return;
        // Refused: HTTP/1 would take what follows for the next head.
        if (response.status < 200 && response.contentLength > 0) return;
        sameResponse(response, line);
      }),
      { numRuns: 3000 },
    );
  });

  /** Without a body, and not allowed to announce one. */
  const isBodiless = ({ status }: Http2Response) => status < 200 || status === 204;

  function sameResponse(response: Http2Response, line: string): void {
    const bytes = Buffer.from(translation.responseTextOf(response, line), 'latin1');
    const head = new ResponseHead();
    expect(parseResponse(head, bytes, 0, bytes.length)).to.equal(bytes.length);
    expect(head.status).to.equal(response.status);
    expect(head.chunked).to.equal(line.includes('chunked'));
    const announced = isBodiless(response) ? -1 : response.contentLength;
    expect(head.contentLength).to.equal(line.includes('length') ? 0 : announced);
    for (const field of new Set(response.list.names)) {
      if (!field.startsWith(':')) expect(head.first(field), field).to.equal(response.first(field));
    }
  }

  it('trailers say the same both ways', () => {
    fc.assert(
      fc.property(fields, (own) => {
        const trailers = trailersOf(listOf(own));
        if (typeof trailers === 'number') return;
        const back = translation.trailersOfSection(Buffer.from(lastChunk(trailers).slice('0\r\n'.length), 'latin1'));
        const names = own.map(([field]) => field).filter(passesInTrailers);
        if (back !== null) expect(back.list.names).to.deep.equal(names);
      }),
      { numRuns: 2000 },
    );
  });
});

function decoded(block: Buffer) {
  const bytes = Buffer.concat([FIRST_BLOCK_PREFIX, block]);
  const list = newDecoder({ ...HPACK_LIMITS, listBytes: 1 << 20, fieldCount: 300 }).decode(bytes, 0, bytes.length);
  if (typeof list === 'number') throw new Error(`no block: ${list}`);
  return list;
}
