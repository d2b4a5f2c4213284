import type { Bridge } from '../../http/bridge.ts';
import type { ResponseMessage } from '../../http/message.ts';
import type { ResponseHead } from './head.ts';
import { parseResponse } from './parse-response.ts';

export const CHUNKS = 'transfer-encoding: chunked\r\n';
const EMPTY = 'content-length: 0\r\n';

/** Field line with which HTTP/1 says where the body ends, where HTTP/2 has not: a response that must not have any is not given one (RFC 9112 section 6.3). */
export function framingOf({ status, contentLength }: ResponseMessage, end: boolean, isHead: boolean, framed: boolean) {
  if (contentLength !== -1 || isHead || status === 204 || status === 304) return '';
  if (end) return EMPTY;
  return framed ? CHUNKS : '';
}

/** A response of HTTP/2 as a head of HTTP/1, in `head`: translated, and read by the same strict parser. False: it cannot be said in HTTP/1. */
export function readTranslated(
  head: ResponseHead,
  bridge: Bridge,
  response: ResponseMessage,
  framing: string,
): boolean {
  const bytes = Buffer.from(bridge.responseText(response, framing), 'latin1');
  return parseResponse(head, bytes, 0, bytes.length) === bytes.length;
}
