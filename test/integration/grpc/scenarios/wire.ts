import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { compressionAlgorithms } from '@grpc/grpc-js';
import { Caller } from '../calls.ts';
import type { Scenario } from '../scenario.ts';
import { noise } from '../transcript.ts';
import { ask, framed } from '../wire.ts';

const HEAD: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc+proto' };

const REQUEST: OutgoingHttpHeaders = {
  ':path': '/weft.test.Wire/Call?a=b;c',
  'content-type': 'application/grpc+proto',
  te: 'trailers',
  'grpc-timeout': '99S',
  'grpc-accept-encoding': 'identity, gzip',
  'user-agent': 'wire/1.0 (of the tests)',
  cookie: ['a=1', 'b=2', 'c=3'],
  'x-repeated': ['one', 'two', 'one'],
};

function answer(stream: ServerHttp2Stream, body: Buffer, trailers: OutgoingHttpHeaders, head = HEAD): void {
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
}

/** HTTP statuses that gRPC clients translate. */
const HTTP_STATUSES = [400, 401, 403, 404, 429, 500, 502, 503, 504];

export const WIRE: Scenario[] = [
  {
    name: 'on the wire: every field of a request, an answer and its trailers',
    serve: {
      wire: (stream, body) =>
        answer(stream, body, { 'grpc-status': '0', 'x-repeated': ['a', 'b'], 'grpc-status-details-bin': 'AAH/' }),
    },
    run: ({ wirePort }) => ask(wirePort, REQUEST, framed(Buffer.from('hello'))),
    shows: /"te":\["trailers"\].*/,
  },
  {
    name: 'on the wire: trailers-only is one frame',
    serve: {
      wire: (stream) =>
        stream.respond({ ...HEAD, 'grpc-status': '5', 'grpc-message': 'none%20such' }, { endStream: true }),
    },
    run: ({ wirePort }) => ask(wirePort, REQUEST, framed(Buffer.from('hello'))),
    shows: '"headOnly":true',
  },
  {
    name: 'on the wire: a head without a body, and trailers',
    serve: { wire: (stream) => answer(stream, Buffer.alloc(0), { 'grpc-status': '9' }) },
    run: ({ wirePort }) => ask(wirePort, REQUEST, framed(Buffer.from('hello'))),
    shows: '"grpc-status":["9"]',
  },
  {
    name: 'on the wire: trailers that are large',
    serve: {
      wire: (stream, body) => answer(stream, body, { 'grpc-status': '0', 'x-large': 'v'.repeat(15_000) }),
    },
    run: ({ wirePort }) => ask(wirePort, REQUEST, framed(noise(100_000))),
    shows: 'v'.repeat(15_000),
  },
  {
    name: 'a compressed answer',
    serve: {
      wire: (stream) => {
        const messages = [Buffer.from('plain '.repeat(30_000)), noise(70_000)];
        const body = Buffer.concat(messages.map((message) => framed(gzipSync(message), true)));
        answer(stream, body, { 'grpc-status': '0' }, { ...HEAD, 'grpc-encoding': 'gzip' });
      },
    },
    run: async ({ wirePort }) => {
      const caller = new Caller(wirePort);
      const seen = await caller.serverStream(Buffer.from('ask')).seen;
      caller.close();
      return seen;
    },
    shows: '180000 bytes',
  },
  {
    name: 'a compressed question',
    serve: { wire: (stream) => answer(stream, framed(Buffer.from('read')), { 'grpc-status': '0' }) },
    run: async ({ wirePort }) => {
      const caller = new Caller(wirePort, { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip });
      const seen = await caller.unary(Buffer.from('plain '.repeat(30_000))).seen;
      caller.close();
      return seen;
    },
    shows: '"grpc-encoding":["gzip"]',
  },
  {
    name: 'answers that are not gRPC',
    serve: {
      wire: (stream, body) => {
        stream.respond({ ':status': Number(body.subarray(5)), 'content-type': 'text/plain' });
        stream.end('a page about an error');
      },
    },
    run: async ({ wirePort }) => {
      const caller = new Caller(wirePort);
      const all = [];
      for (const status of HTTP_STATUSES) all.push((await caller.unary(Buffer.from(String(status))).seen).ending);
      caller.close();
      return all;
    },
    shows: /"code":16.*"code":14/,
  },
  {
    name: 'streams that the server resets in the middle of its answer',
    serve: {
      wire: (stream, body) => {
        stream.respond(HEAD);
        stream.write(framed(Buffer.from('begun')));
        setTimeout(() => stream.close(Number(body.subarray(5))), 50);
      },
    },
    run: async ({ wirePort }) => {
      const caller = new Caller(wirePort);
      const all = [];
      const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM } = constants;
      for (const code of [NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM])
        all.push(await caller.serverStream(Buffer.from(String(code))).seen);
      caller.close();
      return all;
    },
    shows: 'begun',
  },
];
