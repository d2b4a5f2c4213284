import { expect } from 'chai';
import { lineOf } from '../../../../cli/tap/line.ts';
import { durationOf, microsOf, type TapShown } from '../../../../crds/viz/tap.ts';

const ID = { base: 1, stream: 7 };
const FLOW = {
  source: { ip: '10.1.0.1', port: 40_000, metadata: { namespace: 'shop', pod: 'web-1', deployment: 'web' } },
  destination: { ip: 'fd00::7', port: 8080, metadata: { tls: 'true', namespace: 'books', deployment: 'books' } },
  routeMeta: { route: 'GET /a', dst: 'books.shop.svc.cluster.local:80' },
  proxyDirection: 'OUTBOUND',
} as const;
const REQUEST: TapShown = {
  ...FLOW,
  requestInitEvent: {
    id: ID,
    method: 'GET',
    scheme: 'http',
    authority: 'books.shop:80',
    path: '/a?b=c',
    headers: [],
    version: 'HTTP/1.1',
  },
};
const END = {
  id: ID,
  sinceRequestInit: durationOf(9),
  sinceResponseInit: durationOf(888),
  responseBytes: 111,
  trailers: [],
  requestBytes: 0,
  httpStatus: 200,
  end: 'complete',
  retries: 0,
  error: '',
} as const;
const BETWEEN = 'proxy=out src=10.1.0.1:40000 dst=[fd00::7]:8080 tls=true';

describe('a line of weft tap', () => {
  it('is one of Linkerd’s for a request, a response and an end', () => {
    const response = { id: ID, sinceRequestInit: durationOf(999), httpStatus: 200, headers: [] };
    expect(lineOf(REQUEST, null)).to.equal(`req id=1:7 ${BETWEEN} :method=GET :authority=books.shop:80 :path=/a?b=c`);
    expect(lineOf({ ...FLOW, responseInitEvent: response }, null)).to.equal(
      `rsp id=1:7 ${BETWEEN} :status=200 latency=999µs`,
    );
    expect(lineOf({ ...FLOW, responseEndEvent: END }, null)).to.equal(
      `end id=1:7 ${BETWEEN} duration=888µs response-length=111B`,
    );
  });

  it('has the status of gRPC by its name, and a reset by its number', () => {
    const end = (more: object) => lineOf({ ...FLOW, responseEndEvent: { ...END, ...more } }, null);
    expect(end({ grpcStatusCode: 0 })).to.contain(' grpc-status=OK duration=888µs ');
    expect(end({ grpcStatusCode: 4 })).to.contain(' grpc-status=DeadlineExceeded ');
    expect(end({ grpcStatusCode: 99 })).to.contain(' grpc-status=Code(99) ');
    expect(end({ resetErrorCode: 8 })).to.contain(' reset-error=8 duration=');
    expect(end({ retries: 2, end: 'truncated', error: 'response timeout' })).to.match(
      / response-length=111B retries=2 end=truncated error=response_timeout$/,
    );
  });

  it('a call to the pod is told as one: the direction fills the same columns, TLS is that of the client', () => {
    const source = { ...FLOW.source, metadata: { tls: 'no_tls_from_remote' } };
    expect(lineOf({ ...REQUEST, source, proxyDirection: 'INBOUND' }, null)).to.match(
      /^req id=1:7 proxy=in {2}src=\S+ dst=\S+ tls=no_tls_from_remote :method/,
    );
  });

  it('connections that are bytes: two lines, which Linkerd does not have', () => {
    expect(lineOf({ ...FLOW, connectionOpenEvent: { id: ID } }, null)).to.equal(`opn id=1:7 ${BETWEEN}`);
    const close = { id: ID, duration: durationOf(5), sentBytes: 6, receivedBytes: 7, error: '' };
    expect(lineOf({ ...FLOW, connectionCloseEvent: close }, null)).to.equal(
      `cls id=1:7 ${BETWEEN} duration=5µs sent=6B received=7B`,
    );
  });

  it('wide: the resources at both ends, of the kind that was asked for, and the route', () => {
    expect(lineOf(REQUEST, { label: 'deployment', short: 'deploy' })).to.match(
      / src_res=deploy\/web src_ns=shop dst_res=deploy\/books dst_ns=books rt_dst=books.shop.svc.cluster.local:80 rt_route=GET \/a$/,
    );
  });

  it('F8: nothing that a peer sends reaches a terminal as a command', () => {
    const hostile = '\u001b]0;owned\u0007\u009b31m\u202e\u2028\r\n';
    const event: TapShown = {
      ...REQUEST,
      routeMeta: { route: hostile },
      destination: { ...FLOW.destination, metadata: { tls: hostile, deployment: hostile, namespace: hostile } },
      requestInitEvent: { ...REQUEST.requestInitEvent!, method: hostile, path: hostile, authority: hostile },
    };
    const line = lineOf(event, { label: 'deployment', short: 'deploy' });
    expect(line).not.to.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(line).to.contain('\\u001b]0;owned\\u0007');
  });

  it('lengths of time go there and back', () => {
    for (const micros of [0, 1, 999_999, 1_000_000, 61_000_001]) expect(microsOf(durationOf(micros))).to.equal(micros);
  });
});
