import { CONTENT_LENGTH, TRANSFER_ENCODING } from './fields.ts';
import type { Head, RequestHead, ResponseHead } from './head.ts';

/** Room that a written head needs beyond the read one: the connection option, `Host` for HTTP/1.0, the version. */
const OVERHEAD_BYTES = 64;

/** Upper bound of what `writeRequestHead` and `writeResponseHead` write. */
export function writtenSize(head: Head, extra: string): number {
  return head.end - head.start + extra.length + OVERHEAD_BYTES;
}

/**
 * Writes the request head as it goes to the next hop: original lines but the dropped ones, in origin form, as HTTP/1.1, then `extra` (whole lines).
 * Returns the position after it in `out`.
 */
export function writeRequestHead(out: Buffer, head: RequestHead, extra: string): number {
  let at = 0;
  let from = head.start;
  if (head.absoluteForm || head.minorVersion === 0) {
    at = writeRequestLine(out, head);
    from = head.fields;
  }
  at = writeFields(out, at, head, from);
  if (head.upgrade) at += out.write('connection: upgrade\r\n', at, 'latin1');
  if (extra !== '') at += out.write(extra, at, 'latin1');
  return at + out.write('\r\n', at, 'latin1');
}

function writeRequestLine(out: Buffer, head: RequestHead): number {
  const { bytes } = head;
  let at = bytes.copy(out, 0, head.start, head.methodEnd + 1);
  if (head.pathStart === head.targetEnd) at += out.write('/', at, 'latin1');
  else at += bytes.copy(out, at, head.pathStart, head.targetEnd);
  return at + out.write(' HTTP/1.1\r\n', at, 'latin1');
}

/** Copies the lines from `from` to the end of the fields, in runs between dropped ones. */
function writeFields(out: Buffer, at: number, head: Head, from: number): number {
  const { bytes } = head;
  if (head.droppedCount > 0) {
    for (let field = 0; field < head.count; field++) {
      if (head.dropped[field] === 0) continue;
      at += bytes.copy(out, at, from, head.nameStart[field]);
      from = head.lineEnd(field);
    }
  }
  return at + bytes.copy(out, at, from, head.end - 2);
}

/** How the connection to the client goes on after this response. */
export interface ResponseFraming {
  /** `connection: close`. */
  close: boolean;
  /** An HTTP/1.0 client that wants to keep the connection is told so. */
  keepAlive: boolean;
  /** The client knows no chunks: their framing is taken away. */
  unframe: boolean;
}

/** Of an interim response: nothing is said about the connection. */
export const KEEP_FRAMING: ResponseFraming = { close: false, keepAlive: false, unframe: false };

/** Writes a response head at `at`; `extra` is whole lines. Status line and lines as received, always as HTTP/1.1 (RFC 9112 section 2.3). */
export function writeResponseHead(
  out: Buffer,
  at: number,
  head: ResponseHead,
  framing: ResponseFraming,
  extra: string,
): number {
  if (framing.unframe || head.status < 200 || head.status === 204) dropFraming(head, framing.unframe);
  const start = at;
  at = writeFields(out, at, head, head.start);
  // `HTTP/1.0` of the server becomes our own version.
  out[start + 7] = 49;
  if (head.status === 101) at += out.write('connection: upgrade\r\n', at, 'latin1');
  else if (framing.close) at += out.write('connection: close\r\n', at, 'latin1');
  else if (framing.keepAlive) at += out.write('connection: keep-alive\r\n', at, 'latin1');
  if (extra !== '') at += out.write(extra, at, 'latin1');
  return at + out.write('\r\n', at, 'latin1');
}

/** 1xx and 204 have no content-length (RFC 9110 section 8.6); an unframed body has no coding. */
function dropFraming(head: ResponseHead, unframe: boolean): void {
  for (let field = 0; field < head.count; field++) {
    const id = head.ids[field];
    if (id === CONTENT_LENGTH && !unframe) head.drop(field);
    if (id === TRANSFER_ENCODING && unframe) head.drop(field);
  }
}
