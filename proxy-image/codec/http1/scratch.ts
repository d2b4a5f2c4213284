import { MESSAGE_LIMITS } from '../../http/limits.ts';
import { RequestHead, ResponseHead } from './head.ts';
import { OWN_FIELDS } from './limits.ts';

/** Bytes of a body that are copied behind a head so that both go out in one write: one read of a socket. */
const FIRST_BODY_BYTES = 64 * 1024;
/** Lines of ours that a head gets on its way. */
const EXTRA_BYTES = 4096;

/**
 * What heads are read into, and where they are put together with what follows them: all that connections need within one event only, so that the connections of
 * a stack share it. Whoever waits, holds nothing of it.
 */
export class Http1Scratch {
  /** Largest head that is taken (contract/head-bytes.ts). */
  readonly headBytes: number;
  readonly request: RequestHead = new RequestHead();
  readonly response: ResponseHead = new ResponseHead();
  /** A response that came as HTTP/2, whose own codec has seen to its limits. */
  readonly translated: ResponseHead = new ResponseHead(MESSAGE_LIMITS.fieldCount + OWN_FIELDS);
  /** As large as the largest head needs, and no larger: the collector counts all of it, touched or not, and waits for the longer. */
  readonly bytes: Buffer;

  constructor(headBytes: number) {
    this.headBytes = headBytes;
    this.request.maxBytes = headBytes;
    this.response.maxBytes = headBytes;
    this.translated.maxBytes = Number.POSITIVE_INFINITY;
    this.bytes = Buffer.allocUnsafeSlow(headBytes + EXTRA_BYTES + FIRST_BODY_BYTES);
  }

  /** How many bytes of a body to put behind the first `used` of `bytes`. */
  roomBehind(used: number): number {
    return Math.max(0, this.bytes.length - EXTRA_BYTES - used);
  }
}
