import type { Http2Stream } from '../../../../proxy-image/codec/http2/types.ts';
import {
  ACK,
  block,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  goaway,
  headers,
  PADDED,
  PRIORITY,
  ping,
  response,
  rst,
  settings,
  windowUpdate,
  word,
} from './frames.ts';
import type { ClientRig } from './rig.ts';

export interface Case {
  title: string;
  /** What the server says after SETTINGS, while stream 1 waits for its response. */
  server: Buffer[];
  /** What the stream's handler and the owner hear. */
  heard?: string[];
  /** What the client says. */
  sent?: string[];
  /** The request's body is not finished. */
  open?: boolean;
  toHead?: boolean;
  prepare?: (stream: Http2Stream, rig: ClientRig) => void;
}

const failed = (code: number): Pick<Case, 'heard' | 'sent'> => ({
  heard: ['unusable', `reset 1 ${code}`, 'ended 0'],
  sent: [`GOAWAY 0 ${code}`],
});
const streamFailed = (code: number, ...before: string[]): Pick<Case, 'heard' | 'sent'> => ({
  heard: [...before, `reset 1 ${code}`, 'ended 0'],
  sent: [`RST_STREAM 1 ${code}`],
});
const OK_BLOCK = block({ ':status': '200' });
const pad = (length: number, bytes: Buffer, padding = length): Buffer =>
  Buffer.concat([Buffer.of(length), bytes, Buffer.alloc(padding)]);
const PROTOCOL = 1;
const FLOW = 3;
const CLOSED = 5;
const SIZE = 6;
const COMPRESSION = 9;

export const CASES: readonly Case[] = [
  // Frames
  {
    title: '4.1: unknown frames are ignored',
    server: [frame(0xab, 0xff, 1, 'x'), frame(0xcd, 0, 0), response(1, END_STREAM)],
    heard: ['response 1 200 end', 'ended 0'],
  },
  {
    title: '4.2: a frame larger than SETTINGS_MAX_FRAME_SIZE',
    server: [frame('DATA', 0, 1, '', 16_385)],
    ...failed(SIZE),
  },
  {
    title: '4.2: a frame of exactly SETTINGS_MAX_FRAME_SIZE is taken',
    server: [response(1), data(1, Buffer.alloc(16_384), END_STREAM)],
    heard: ['response 1 200', 'data 1 16384', 'end 1', 'ended 0'],
  },
  {
    title: '4.3: a block that does not decode',
    server: [frame('HEADERS', END_HEADERS, 1, Buffer.of(0x80))],
    ...failed(COMPRESSION),
  },
  {
    title: '4.3: a section in three frames',
    server: [
      frame('HEADERS', END_STREAM, 1, OK_BLOCK.subarray(0, 1)),
      frame('CONTINUATION', 0, 1, OK_BLOCK.subarray(1, 2)),
      frame('CONTINUATION', END_HEADERS, 1, OK_BLOCK.subarray(2)),
    ],
    heard: ['response 1 200 end', 'ended 0'],
  },
  {
    title: '4.3: another frame within a header section',
    server: [frame('HEADERS', 0, 1, OK_BLOCK), ping()],
    ...failed(PROTOCOL),
  },
  {
    title: '4.3: DATA within a header section',
    server: [frame('HEADERS', 0, 1, OK_BLOCK), data(1, 'x')],
    ...failed(PROTOCOL),
  },
  {
    title: '4.3: HEADERS within a header section',
    server: [frame('HEADERS', 0, 1, OK_BLOCK), response(1)],
    ...failed(PROTOCOL),
  },
  // Stream states
  { title: '5.1: DATA on a stream that was not opened', server: [data(3, 'x')], ...failed(PROTOCOL) },
  { title: '5.1: HEADERS on a stream that was not opened', server: [response(3)], ...failed(PROTOCOL) },
  { title: '5.1: RST_STREAM on a stream that was not opened', server: [rst(3, 8)], ...failed(PROTOCOL) },
  { title: '5.1: WINDOW_UPDATE on a stream that was not opened', server: [windowUpdate(3, 1)], ...failed(PROTOCOL) },
  {
    title: '5.1: PRIORITY on a stream that was not opened is ignored',
    server: [frame('PRIORITY', 0, 3, Buffer.alloc(5))],
    heard: [],
  },
  {
    title: '5.1: DATA after END_STREAM',
    server: [response(1, END_STREAM), data(1, 'x')],
    open: true,
    ...streamFailed(CLOSED, 'response 1 200 end'),
  },
  {
    title: '5.1: HEADERS after END_STREAM',
    server: [response(1, END_STREAM), headers(1, { a: 'b' }, END_STREAM)],
    open: true,
    ...streamFailed(CLOSED, 'response 1 200 end'),
  },
  {
    title: '5.1: DATA on a stream that has ended in both directions',
    server: [response(1, END_STREAM), data(1, 'x')],
    heard: ['response 1 200 end', 'ended 0', 'unusable'],
    sent: [`GOAWAY 0 ${CLOSED}`],
  },
  {
    title: '5.1: DATA on a stream that the server has reset',
    server: [rst(1, 8), data(1, 'x')],
    heard: ['reset 1 8 by peer', 'ended 0'],
    sent: [`RST_STREAM 1 ${CLOSED}`],
  },
  {
    title: '5.1: frames on a stream that this side has reset are ignored',
    server: [response(1), data(1, 'x'), headers(1, { a: 'b' }, END_STREAM), windowUpdate(1, 1), rst(1, 8)],
    prepare: (stream) => stream.reset(8),
    heard: ['ended 0'],
    sent: ['RST_STREAM 1 8'],
  },
  {
    title: '5.1: WINDOW_UPDATE and RST_STREAM on a stream that has ended are ignored',
    server: [response(1, END_STREAM), windowUpdate(1, 1), rst(1, 0)],
    heard: ['response 1 200 end', 'ended 0'],
  },
  { title: '5.1.1: HEADERS on a stream of the server', server: [response(2)], ...failed(PROTOCOL) },
  {
    title: '5.2.1: more than the window of the stream',
    server: [response(1), ...Array.from({ length: 4 }, () => data(1, Buffer.alloc(16_384)))],
    prepare: (_, rig) => {
      rig.takes = false;
    },
    ...streamFailed(FLOW, 'response 1 200', 'data 1 16384', 'data 1 16384', 'data 1 16384'),
  },
  // DATA
  { title: '6.1: DATA on stream 0', server: [data(0, 'x')], ...failed(PROTOCOL) },
  {
    title: '6.1: padding is no part of the body',
    server: [response(1), data(1, pad(7, Buffer.from('abc')), END_STREAM | PADDED)],
    heard: ['response 1 200', 'data 1 3', 'end 1', 'ended 0'],
  },
  {
    title: '6.1: nothing but padding',
    server: [
      response(1),
      data(1, pad(0, Buffer.alloc(0)), PADDED),
      data(1, pad(5, Buffer.alloc(0)), END_STREAM | PADDED),
    ],
    heard: ['response 1 200', 'end 1', 'ended 0'],
  },
  {
    title: '6.1: more padding than payload',
    server: [response(1), data(1, pad(9, Buffer.from('abc'), 5), PADDED)],
    open: true,
    heard: ['response 1 200', 'unusable', 'reset 1 1', 'ended 0'],
    sent: ['GOAWAY 0 1'],
  },
  {
    title: '6.1: padded, but without a length of the padding',
    server: [response(1), data(1, '', PADDED)],
    heard: ['response 1 200', 'unusable', `reset 1 ${SIZE}`, 'ended 0'],
    sent: [`GOAWAY 0 ${SIZE}`],
  },
  { title: '6.1: DATA before the response', server: [data(1, 'x')], ...streamFailed(PROTOCOL) },
  // HEADERS
  { title: '6.2: HEADERS on stream 0', server: [response(0)], ...failed(PROTOCOL) },
  {
    title: '6.2: padding and priority of HEADERS are skipped',
    server: [
      frame(
        'HEADERS',
        END_HEADERS | END_STREAM | PADDED | PRIORITY,
        1,
        pad(3, Buffer.concat([Buffer.alloc(5), OK_BLOCK])),
      ),
    ],
    heard: ['response 1 200 end', 'ended 0'],
  },
  {
    title: '6.2: more padding than payload in HEADERS',
    server: [frame('HEADERS', END_HEADERS | PADDED, 1, pad(200, OK_BLOCK, 1))],
    ...failed(PROTOCOL),
  },
  {
    title: '6.2: HEADERS too short for its priority',
    server: [frame('HEADERS', END_HEADERS | PRIORITY, 1, 'abc')],
    ...failed(SIZE),
  },
  { title: '6.3: PRIORITY on stream 0', server: [frame('PRIORITY', 0, 0, Buffer.alloc(5))], ...failed(PROTOCOL) },
  { title: '6.3: PRIORITY of a wrong size', server: [frame('PRIORITY', 0, 1, Buffer.alloc(4))], ...failed(SIZE) },
  // RST_STREAM
  { title: '6.4: RST_STREAM ends the stream', server: [rst(1, 8)], heard: ['reset 1 8 by peer', 'ended 0'] },
  {
    title: '6.4: an unknown code is passed on',
    server: [rst(1, 0xabcd)],
    heard: [`reset 1 ${0xabcd} by peer`, 'ended 0'],
  },
  { title: '6.4: RST_STREAM on stream 0', server: [rst(0, 8)], ...failed(PROTOCOL) },
  { title: '6.4: RST_STREAM of a wrong size', server: [frame('RST_STREAM', 0, 1, 'abc')], ...failed(SIZE) },
  // SETTINGS
  {
    title: '6.5: SETTINGS are acknowledged',
    server: [settings([3, 7])],
    heard: ['capacity 6'],
    sent: ['SETTINGS ACK'],
  },
  { title: '6.5: SETTINGS on a stream', server: [frame('SETTINGS', 0, 1)], ...failed(PROTOCOL) },
  { title: '6.5: SETTINGS with half an entry', server: [frame('SETTINGS', 0, 0, 'abc')], ...failed(SIZE) },
  {
    title: '6.5: an acknowledgement that is not empty',
    server: [frame('SETTINGS', ACK, 0, Buffer.alloc(6))],
    ...failed(SIZE),
  },
  {
    title: '6.5.2: unknown settings are ignored',
    server: [settings([0xabc, 9], [3, 5])],
    heard: ['capacity 4'],
    sent: ['SETTINGS ACK'],
  },
  { title: '6.5.2: the server announces pushes', server: [settings([2, 1])], ...failed(PROTOCOL) },
  { title: '6.5.2: ENABLE_PUSH that is no flag', server: [settings([2, 2])], ...failed(PROTOCOL) },
  { title: '6.5.2: INITIAL_WINDOW_SIZE above 2^31-1', server: [settings([4, 0x8000_0000])], ...failed(FLOW) },
  { title: '6.5.2: MAX_FRAME_SIZE below 16,384', server: [settings([5, 16_383])], ...failed(PROTOCOL) },
  { title: '6.5.2: MAX_FRAME_SIZE above 2^24-1', server: [settings([5, 0x100_0000])], ...failed(PROTOCOL) },
  { title: '8441 3: ENABLE_CONNECT_PROTOCOL that is no flag', server: [settings([8, 2])], ...failed(PROTOCOL) },
  {
    title: '8441 3: ENABLE_CONNECT_PROTOCOL taken back',
    server: [settings([8, 1]), settings([8, 0])],
    heard: ['capacity 999', 'unusable', 'reset 1 1', 'ended 0'],
    sent: ['SETTINGS ACK', 'GOAWAY 0 1'],
  },
  // PUSH_PROMISE
  {
    title: '6.6: PUSH_PROMISE',
    server: [frame('PUSH_PROMISE', END_HEADERS, 1, Buffer.concat([word(2), OK_BLOCK]))],
    ...failed(PROTOCOL),
  },
  // PING
  { title: '6.7: PING is answered', server: [ping('abcdefgh')], sent: ['PING ACK'] },
  { title: '6.7: an answer that was not asked for is ignored', server: [ping('abcdefgh', ACK)], sent: [] },
  { title: '6.7: PING on a stream', server: [frame('PING', 0, 1, '12345678')], ...failed(PROTOCOL) },
  { title: '6.7: PING of a wrong size', server: [frame('PING', 0, 0, '1234567')], ...failed(SIZE) },
  // GOAWAY
  {
    title: '6.8: streams above the last one of GOAWAY are unprocessed',
    server: [goaway(0)],
    heard: ['unusable', 'reset 1 7 unprocessed by peer', 'ended 0'],
    sent: ['GOAWAY 0 0'],
  },
  {
    title: '6.8: streams up to the last one of GOAWAY go on',
    server: [goaway(1), response(1, END_STREAM)],
    heard: ['unusable', 'response 1 200 end', 'ended 0'],
    sent: ['GOAWAY 0 0'],
  },
  {
    title: '6.8: a second GOAWAY lowers the last stream',
    server: [goaway(0x7fff_ffff), goaway(0)],
    heard: ['unusable', 'reset 1 7 unprocessed by peer', 'ended 0'],
    sent: ['GOAWAY 0 0'],
  },
  { title: '6.8: GOAWAY on a stream', server: [frame('GOAWAY', 0, 1, Buffer.alloc(8))], ...failed(PROTOCOL) },
  { title: '6.8: GOAWAY that is too short', server: [frame('GOAWAY', 0, 0, Buffer.alloc(7))], ...failed(SIZE) },
  // WINDOW_UPDATE
  { title: '6.9: an increment of 0 on a stream', server: [windowUpdate(1, 0)], ...streamFailed(PROTOCOL) },
  { title: '6.9: an increment of 0 on the connection', server: [windowUpdate(0, 0)], ...failed(PROTOCOL) },
  { title: '6.9: WINDOW_UPDATE of a wrong size', server: [frame('WINDOW_UPDATE', 0, 0, 'abc')], ...failed(SIZE) },
  {
    title: '6.9.1: the window of a stream above 2^31-1',
    server: [windowUpdate(1, 0x7fff_ffff)],
    ...streamFailed(FLOW),
  },
  {
    title: '6.9.1: the window of the connection above 2^31-1',
    server: [windowUpdate(0, 0x7fff_ffff)],
    ...failed(FLOW),
  },
  {
    title: '6.9.2: INITIAL_WINDOW_SIZE that lifts a window above 2^31-1',
    server: [windowUpdate(1, 0x7fff_0000), settings([4, 0x7fff_ffff])],
    ...failed(FLOW),
  },
  // CONTINUATION
  {
    title: '6.10: CONTINUATION without HEADERS',
    server: [frame('CONTINUATION', END_HEADERS, 1, OK_BLOCK)],
    ...failed(PROTOCOL),
  },
  {
    title: '6.10: CONTINUATION behind END_HEADERS',
    server: [response(1), frame('CONTINUATION', END_HEADERS, 1, OK_BLOCK)],
    heard: ['response 1 200', 'unusable', 'reset 1 1', 'ended 0'],
    sent: ['GOAWAY 0 1'],
  },
  {
    title: '6.10: CONTINUATION of another stream',
    server: [frame('HEADERS', 0, 1, OK_BLOCK), frame('CONTINUATION', END_HEADERS, 3, OK_BLOCK)],
    ...failed(PROTOCOL),
  },
  // Messages
  {
    title: '8.1: interim responses, response, body, trailers',
    server: [
      headers(1, { ':status': '100' }),
      headers(1, { ':status': '103', link: '</a>' }),
      response(1),
      data(1, 'abc'),
      headers(1, { 'grpc-status': '0' }, END_STREAM),
    ],
    heard: ['response 1 100', 'response 1 103', 'response 1 200', 'data 1 3', 'end 1 grpc-status', 'ended 0'],
  },
  {
    title: '8.1: an interim response that ends the stream',
    server: [headers(1, { ':status': '100' }, END_STREAM)],
    ...streamFailed(PROTOCOL),
  },
  {
    title: '8.1: trailers that do not end the stream',
    server: [response(1), headers(1, { a: 'b' })],
    ...streamFailed(PROTOCOL, 'response 1 200'),
  },
  {
    title: '8.1: pseudo-header fields in trailers',
    server: [response(1), headers(1, { ':status': '200' }, END_STREAM)],
    ...streamFailed(PROTOCOL, 'response 1 200'),
  },
  {
    title: '8.1: a complete response before the request has ended, then RST_STREAM(NO_ERROR)',
    server: [response(1, END_STREAM), rst(1, 0)],
    open: true,
    heard: ['response 1 200 end', 'reset 1 0 by peer', 'ended 0'],
  },
  {
    title: '8.1.1: more body than content-length',
    server: [response(1, 0, { 'content-length': '2' }), data(1, 'abc', END_STREAM)],
    ...streamFailed(PROTOCOL, 'response 1 200'),
  },
  {
    title: '8.1.1: less body than content-length',
    server: [response(1, 0, { 'content-length': '4' }), data(1, 'abc', END_STREAM)],
    ...streamFailed(PROTOCOL, 'response 1 200', 'data 1 3'),
  },
  {
    title: '8.1.1: no body, but content-length',
    server: [response(1, END_STREAM, { 'content-length': '4' })],
    ...streamFailed(PROTOCOL),
  },
  {
    title: '8.1.1: content-length of a response to HEAD',
    toHead: true,
    server: [response(1, END_STREAM, { 'content-length': '4' })],
    heard: ['response 1 200 end', 'ended 0'],
  },
  {
    title: '8.1.1: a body in a response to HEAD',
    toHead: true,
    server: [response(1), data(1, 'x', END_STREAM)],
    ...streamFailed(PROTOCOL, 'response 1 200'),
  },
  {
    title: '8.1.1: content-length of 304',
    server: [headers(1, { ':status': '304', 'content-length': '4' }, END_STREAM)],
    heard: ['response 1 304 end', 'ended 0'],
  },
  { title: '8.2.1: a field name in upper case', server: [response(1, 0, { 'X-A': 'b' })], ...streamFailed(PROTOCOL) },
  {
    title: '8.2.2: a field that is specific to a connection',
    server: [response(1, 0, { connection: 'close' })],
    ...streamFailed(PROTOCOL),
  },
  {
    title: '8.3: an unknown pseudo-header field',
    server: [headers(1, { ':status': '200', ':x': 'y' })],
    ...streamFailed(PROTOCOL),
  },
  {
    title: '8.3: a pseudo-header field behind a field',
    server: [headers(1, { a: 'b', ':status': '200' })],
    ...streamFailed(PROTOCOL),
  },
  { title: '8.3.2: no :status', server: [headers(1, { a: 'b' })], ...streamFailed(PROTOCOL) },
  { title: '8.3.2: a :status that is no number', server: [headers(1, { ':status': 'ok' })], ...streamFailed(PROTOCOL) },
  { title: '8.6: 101', server: [headers(1, { ':status': '101' })], ...streamFailed(PROTOCOL) },
  {
    title: '8.7: RST_STREAM(REFUSED_STREAM) says that nothing was processed',
    server: [rst(1, 7)],
    heard: ['reset 1 7 unprocessed by peer', 'ended 0'],
  },
];
