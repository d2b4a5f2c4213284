import type { Bridge } from '../../http/bridge.ts';
import { MESSAGE_LIMITS } from '../../http/limits.ts';
import type { ResponseMessage } from '../../http/message.ts';
import { ResponseHead } from './head.ts';
import { OWN_FIELDS } from './limits.ts';
import { parseResponse } from './parse-response.ts';

/** A response of HTTP/2, whose limits its own codec has seen to, as a head of HTTP/1: after `readTranslated`, valid within the event. */
export const RESPONSE: ResponseHead = new ResponseHead(MESSAGE_LIMITS.fieldCount + OWN_FIELDS);
RESPONSE.maxBytes = Number.POSITIVE_INFINITY;

export const CHUNKS = 'transfer-encoding: chunked\r\n';
const EMPTY = 'content-length: 0\r\n';

/** Field line with which HTTP/1 says where the body ends, where HTTP/2 has not: a response that must not have any is not given one (RFC 9112 section 6.3). */
export function framingOf({ status, contentLength }: ResponseMessage, end: boolean, isHead: boolean, framed: boolean) {
  if (contentLength !== -1 || isHead || status === 204 || status === 304) return '';
  if (end) return EMPTY;
  return framed ? CHUNKS : '';
}

/** A response of HTTP/2 as a head of HTTP/1, in RESPONSE: translated, and read by the same strict parser. False: it cannot be said in HTTP/1. */
export function readTranslated(bridge: Bridge, response: ResponseMessage, framing: string): boolean {
  const bytes = Buffer.from(bridge.responseText(response, framing), 'latin1');
  return parseResponse(RESPONSE, bytes, 0, bytes.length) === bytes.length;
}
