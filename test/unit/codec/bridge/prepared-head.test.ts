import { expect } from 'chai';
import { HttpBridge } from '../../../../proxy-image/codec/bridge/bridge.ts';
import { RequestHead } from '../../../../proxy-image/codec/http1/head.ts';
import { parseRequest } from '../../../../proxy-image/codec/http1/parse-request.ts';
import { HPACK_LIMITS } from '../../../../proxy-image/codec/http2/hpack/limits.ts';
import type { Http2Request } from '../../../../proxy-image/codec/http2/request.ts';
import { ExtraFields, type RequestMessage } from '../../../../proxy-image/http/message.ts';
import type { PreparedHead } from '../../../../proxy-image/http/prepared-head.ts';
import { newDecoder, requestOf } from '../../../support/http2.ts';
import { listOf } from '../../http/rig.ts';

const EXTRA = new ExtraFields([['l5d-dst-canonical', 'web.shop.svc.cluster.local:80']]);
const TRACE = [1, 2].map((id) => new ExtraFields([['traceparent', `00-${id}`]]));

function http2(): Http2Request {
  const pseudo = { ':method': 'GET', ':scheme': 'http', ':authority': 'web', ':path': '/foo?q' };
  return requestOf(listOf(Object.entries({ ...pseudo, accept: '*/*' }))) as Http2Request;
}

function http1(): RequestHead {
  const text = Buffer.from('GET /foo?q HTTP/1.1\r\nHost: web\r\nAccept: */*\r\n\r\n', 'latin1');
  const head = new RequestHead(16);
  expect(parseRequest(head, text, 0, text.length)).to.equal(text.length);
  return head;
}

function prepared(message: RequestMessage, extra = EXTRA): PreparedHead {
  const head = new HttpBridge().preparedHead();
  head.take(message);
  head.prepare(extra, '');
  return head;
}

function decoded(block: Buffer): string[] {
  const list = newDecoder(HPACK_LIMITS).decode(block, 0, block.length);
  if (typeof list === 'number') throw new Error(`${list}`);
  return list.names.map((name, at) => `${name}: ${list.values[at]}`);
}

function textOf(head: PreparedHead): string {
  const out = Buffer.alloc(1024);
  return out.toString('latin1', 0, head.writeHttp1(out, 0, false, true));
}

describe('a prepared head', () => {
  it('HTTP/2: its block is remembered for fields that are the same, whichever object says them', () => {
    const request = http2();
    const block = prepared(request).http2Block();
    const same = new ExtraFields([['l5d-dst-canonical', 'web.shop.svc.cluster.local:80']]);
    expect(prepared(request, same).http2Block()).to.equal(block);
    const other = new ExtraFields([['l5d-dst-canonical', 'v2.shop.svc.cluster.local:80']]);
    expect(decoded(prepared(request, other).http2Block())).to.include(
      'l5d-dst-canonical: v2.shop.svc.cluster.local:80',
    );
  });

  it('HTTP/2: fields of one request go behind the block, which stays remembered', () => {
    const request = http2();
    const block = prepared(request).http2Block();
    for (const trace of TRACE) {
      const head = prepared(request);
      head.add(trace);
      const own = head.http2Block();
      expect(own.subarray(0, block.length).equals(block)).to.equal(true);
      expect(decoded(own)).to.deep.equal([...decoded(block), `traceparent: ${trace.values[0]}`]);
      expect(textOf(head)).to.match(/l5d-dst-canonical: .*\r\ntraceparent: 00-\d\r\n\r\n$/);
    }
    expect(prepared(request).http2Block()).to.equal(block);
  });

  it('HTTP/1: fields of one request are its last lines, in either version', () => {
    const head = prepared(http1());
    head.add(TRACE[0]!);
    expect(textOf(head)).to.equal(
      'GET /foo?q HTTP/1.1\r\nHost: web\r\nAccept: */*\r\n' +
        'l5d-dst-canonical: web.shop.svc.cluster.local:80\r\ntraceparent: 00-1\r\n\r\n',
    );
    expect(decoded(head.http2Block()).slice(-2)).to.deep.equal([
      'l5d-dst-canonical: web.shop.svc.cluster.local:80',
      'traceparent: 00-1',
    ]);
  });

  it('is changed from what it was prepared as, however often', () => {
    for (const message of [http1(), http2()]) {
      const head = prepared(message);
      head.add(TRACE[0]!);
      const before = textOf(head);
      const edit = { target: '/one', host: 'other', changes: [{ add: [], set: [], remove: ['accept'] }] };
      head.edit(edit);
      head.edit({ ...edit, target: '/two', changes: [] });
      expect(textOf(head)).to.match(/^GET \/two HTTP\/1\.1\r\nhost: other\r\naccept: \*\/\*\r\n/i);
      expect(textOf(head)).to.match(/traceparent: 00-1\r\n\r\n$/);
      head.edit(null);
      expect(textOf(head)).to.equal(before);
    }
  });

  it('is copied as it goes on', () => {
    for (const message of [http1(), http2()]) {
      const head = prepared(message);
      head.edit({ target: '/copied', host: '', changes: [] });
      const copy = new HttpBridge().preparedHead();
      copy.copy(head);
      const text = textOf(head);
      head.forget();
      expect(textOf(copy)).to.equal(text);
      expect(text).to.match(/^GET \/copied /);
    }
  });
});
