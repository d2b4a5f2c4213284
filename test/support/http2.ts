import { HpackDecoder } from '../../proxy-image/codec/http2/hpack/decode.ts';
import type { BlockWriter } from '../../proxy-image/codec/http2/hpack/encode.ts';
import type { HeaderList } from '../../proxy-image/codec/http2/hpack/header-list.ts';
import type { HpackLimits } from '../../proxy-image/codec/http2/hpack/limits.ts';
import * as request from '../../proxy-image/codec/http2/request.ts';
import * as response from '../../proxy-image/codec/http2/response.ts';
import { Http2Scratch } from '../../proxy-image/codec/http2/scratch.ts';
import * as trailers from '../../proxy-image/codec/http2/trailers.ts';

/** One for all tests of a process, as a proxy has one for all connections: what one leaves behind must mean nothing to the next. */
const SCRATCH = new Http2Scratch();

export const WRITER: BlockWriter = SCRATCH.writer;

export function requestOf(list: HeaderList): request.Http2Request | number {
  return request.requestOf(list, SCRATCH);
}

export function responseOf(list: HeaderList): response.Http2Response | number {
  return response.responseOf(list, SCRATCH);
}

export function trailersOf(list: HeaderList): trailers.Http2Trailers | number {
  return trailers.trailersOf(list, SCRATCH);
}

export function encodeBlock(
  names: readonly string[],
  values: readonly string[],
  sensitive: ReadonlySet<number> | null = null,
): Buffer {
  return WRITER.block(names, values, sensitive);
}

export function newDecoder(limits?: HpackLimits): HpackDecoder {
  return new HpackDecoder(SCRATCH.decoding, limits);
}
