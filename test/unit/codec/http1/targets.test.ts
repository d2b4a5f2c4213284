import { expect } from 'chai';
import { RequestHead } from '../../../../proxy-image/codec/http1/head.ts';
import { parseRequest } from '../../../../proxy-image/codec/http1/parse-request.ts';
import { rejection } from '../../../../proxy-image/codec/http1/rejection.ts';
import { writeRequestHead, writtenSize } from '../../../../proxy-image/codec/http1/serialize.ts';

/** What a head says and what goes on of it, or the status of its refusal. */
function read(text: string, authority = 'web.shop:80'): { host: string; target: string; written: string } | number {
  const head = new RequestHead();
  const bytes = Buffer.from(text, 'latin1');
  const end = parseRequest(head, bytes, 0, bytes.length);
  if (end < 0) return rejection(end).status;
  const { host, target } = head;
  const out = Buffer.alloc(writtenSize(head, '', authority));
  return { host, target, written: out.toString('latin1', 0, writeRequestHead(out, head, '', authority)) };
}

describe('HTTP/1 codec: what a request is for', () => {
  const said: Record<string, [host: string, target: string, written: string]> = {
    'GET /a?b HTTP/1.1\r\nHost: web\r\n\r\n': ['web', '/a?b', 'GET /a?b HTTP/1.1\r\nHost: web\r\n\r\n'],
    'GET http://Other:81/a HTTP/1.1\r\nX: 1\r\nHost: web\r\n\r\n': [
      'Other:81',
      '/a',
      'GET http://Other:81/a HTTP/1.1\r\nHost: Other:81\r\nX: 1\r\n\r\n',
    ],
    'GET HTTPS://web HTTP/1.1\r\nHost: web\r\n\r\n': ['web', '/', 'GET HTTPS://web HTTP/1.1\r\nHost: web\r\n\r\n'],
    'GET http://[::1]:8?q HTTP/1.1\r\nHost:\r\n\r\n': [
      '[::1]:8',
      '/?q',
      'GET http://[::1]:8?q HTTP/1.1\r\nHost: [::1]:8\r\n\r\n',
    ],
    'OPTIONS http://web HTTP/1.1\r\nHost: web\r\n\r\n': ['web', '*', 'OPTIONS * HTTP/1.1\r\nHost: web\r\n\r\n'],
    'OPTIONS http://web? HTTP/1.1\r\nHost: web\r\n\r\n': [
      'web',
      '/?',
      'OPTIONS http://web? HTTP/1.1\r\nHost: web\r\n\r\n',
    ],
    'CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n': [
      'shop:443',
      'shop:443',
      'CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n',
    ],
    'CONNECT [::1]:443 HTTP/1.0\r\n\r\n': [
      '[::1]:443',
      '[::1]:443',
      'CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n',
    ],
    'OPTIONS * HTTP/1.1\r\nHost: web\r\n\r\n': ['web', '*', 'OPTIONS * HTTP/1.1\r\nHost: web\r\n\r\n'],
    'GET / HTTP/1.1\r\nHost:\r\n\r\n': ['', '/', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    'GET / HTTP/1.0\r\n\r\n': ['', '/', 'GET / HTTP/1.1\r\nHost: web.shop:80\r\n\r\n'],
    'GET http://other HTTP/1.0\r\n\r\n': ['other', '/', 'GET http://other HTTP/1.1\r\nHost: other\r\n\r\n'],
    'GET / HTTP/1.0\r\nHost: web\r\nExpect: 100-continue\r\nTE: trailers\r\n\r\n': [
      'web',
      '/',
      'GET / HTTP/1.1\r\nHost: web\r\n\r\n',
    ],
    'TRACE / HTTP/1.1\r\nMax-Forwards: 9\r\nHost: web\r\nmax-forwards: 007\r\n\r\n': [
      'web',
      '/',
      'TRACE / HTTP/1.1\r\nHost: web\r\nmax-forwards: 6\r\n\r\n',
    ],
    'OPTIONS / HTTP/1.1\r\nHost: web\r\nMax-Forwards: 99999999999999999999\r\n\r\n': [
      'web',
      '/',
      'OPTIONS / HTTP/1.1\r\nHost: web\r\nmax-forwards: 999999998\r\n\r\n',
    ],
    'OPTIONS / HTTP/1.1\r\nHost: web\r\nMax-Forwards: -1\r\n\r\n': [
      'web',
      '/',
      'OPTIONS / HTTP/1.1\r\nHost: web\r\nMax-Forwards: -1\r\n\r\n',
    ],
  };
  for (const [request, [host, target, written]] of Object.entries(said)) {
    it(JSON.stringify(request), () => {
      expect(read(request)).to.deep.equal({ host, target, written });
    });
  }

  it('A9, A10: what cannot be told from another is refused', () => {
    for (const [line, fields] of [
      ['GET http://web:8a/ HTTP/1.1', 'Host: web\r\n'],
      ['GET http:// HTTP/1.1', 'Host: web\r\n'],
      ['GET http://?q HTTP/1.1', 'Host: web\r\n'],
      ['GET http://user@web/ HTTP/1.1', 'Host: web\r\n'],
      ['GET http://w\xc3\xa4b/ HTTP/1.1', 'Host: web\r\n'],
      ['GET http://web/ HTTP/1.1', ''],
      ['GET http://web/ HTTP/1.1', 'Host: a\r\nHost: a\r\n'],
      ['GET http://web/ HTTP/1.0', 'Host: a b\r\n'],
      ['GET xhttp://web/ HTTP/1.1', 'Host: web\r\n'],
      ['GET / HTTP/1.1', 'Host: w\xc3\xa4b\r\n'],
      ['GET web/ HTTP/1.1', 'Host: web\r\n'],
      ['GET /\x7f HTTP/1.1', 'Host: web\r\n'],
    ] as const) {
      expect(read(`${line}\r\n${fields}\r\n`), line).to.equal(400);
    }
  });
});
