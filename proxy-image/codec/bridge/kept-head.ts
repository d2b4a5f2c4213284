import type { RequestView } from '../../http/message.ts';
import type { PreparedHead } from '../../http/prepared-head.ts';
import { RequestHead } from '../http1/head.ts';
import { parseRequest } from '../http1/parse-request.ts';

/**
 * Makes `prepared` hold the head that it has taken, `head`, beyond the event, and returns that one: a head of HTTP/1 is in memory that its codec uses again, one of
 * HTTP/2 is not. For a request that waits before it is prepared.
 */
export function keepHead(prepared: PreparedHead, head: RequestView): RequestView {
  if (!(head instanceof RequestHead)) return head;
  const bytes = Buffer.from(head.bytes.subarray(head.start, head.end));
  const kept = new RequestHead(head.count + 1);
  // It has passed the limits once.
  kept.maxBytes = Number.POSITIVE_INFINITY;
  if (parseRequest(kept, bytes, 0, bytes.length) !== bytes.length)
    throw new Error('a head that was read cannot be read again');
  prepared.take(kept);
  return kept;
}
