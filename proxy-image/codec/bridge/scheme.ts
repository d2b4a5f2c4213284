import type { RequestView } from '../../http/message.ts';
import { RequestHead } from '../http1/head.ts';
import { Http2Request } from '../http2/request.ts';

/** The scheme that a request says, in lower case: HTTP/1 in an absolute form only, HTTP/2 always. Empty = none. */
export function schemeOf(head: RequestView): string {
  if (head instanceof Http2Request) return head.scheme.toLowerCase();
  if (!(head instanceof RequestHead && head.absoluteForm)) return '';
  const { bytes, targetStart, authorityStart } = head;
  return bytes.toString('latin1', targetStart, authorityStart - '://'.length).toLowerCase();
}
