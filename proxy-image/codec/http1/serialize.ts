import { CR, LF } from '../../http/octets.ts';
import { TRANSFER_ENCODING } from './fields.ts';
import type { Head, RequestHead, ResponseHead } from './head.ts';

/** Room that a written head needs beyond the read one: the version, the names of the lines that are ours, their fixed values. */
const OVERHEAD_BYTES = 160;

/** Upper bound of what `writeRequestHead` and `writeResponseHead` write. */
export function writtenSize(head: Head, extra: string, authority: string): number {
  return head.end - head.start + extra.length + authority.length + OVERHEAD_BYTES;
}

/**
 * Writes the request head as it goes to the next hop: original lines but the dropped ones, the target in the form that it came in, as HTTP/1.1, then `extra`
 * (whole lines).
 * `authority` is the Host of a request that has no such line, which only HTTP/1.0 may do without. Returns the position after it in `out`.
 */
export function writeRequestHead(out: Buffer, head: RequestHead, extra: string, authority: string): number {
  let at = 0;
  let from = head.start;
  if (head.absoluteForm || head.minorVersion === 0) {
    at = writeRequestLine(out, head);
    at = writeHost(out, at, head, authority);
    from = head.fields;
  }
  at = writeFields(out, at, head, from);
  if (head.upgrade) at += out.write('connection: upgrade\r\n', at, 'latin1');
  if (head.wantsTrailers) at += out.write(TRAILERS_WANTED, at, 'latin1');
  if (head.maxForwards > 0) at += out.write(`max-forwards: ${head.maxForwards - 1}\r\n`, at, 'latin1');
  if (extra !== '') at += out.write(extra, at, 'latin1');
  return endLine(out, at);
}

function writeRequestLine(out: Buffer, head: RequestHead): number {
  const { bytes } = head;
  let at = bytes.copy(out, 0, head.start, head.methodEnd + 1);
  // RFC 9112 section 3.2.4: OPTIONS for a server as a whole is told to the server itself by an asterisk.
  if (head.pathPrefix === '*') at += out.write('*', at, 'latin1');
  else at += bytes.copy(out, at, head.targetStart, head.targetEnd);
  return at + out.write(' HTTP/1.1\r\n', at, 'latin1');
}

/** RFC 9112 section 3.2.2: a new Host from the target. What a head of HTTP/1.0 lacks (section 3.2), this version must have. */
function writeHost(out: Buffer, start: number, head: RequestHead, authority: string): number {
  let at = start;
  if (head.absoluteForm || (head.connect && head.hostField === -1)) {
    if (head.hostField !== -1) head.drop(head.hostField);
    at += out.write('Host: ', at, 'latin1');
    at += head.bytes.copy(out, at, head.authorityStart, head.authorityEnd);
  } else if (head.hostField === -1 && authority !== '') at += out.write(`Host: ${authority}`, at, 'latin1');
  else return at;
  return endLine(out, at);
}

/** Two assignments where a call of `write` takes longer than all the rest of a short head. */
function endLine(out: Buffer, at: number): number {
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
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

/** Lines with which we say that whoever is behind us takes trailers: a wish of one hop, to be named as such (RFC 9110 section 10.1.4). */
export const TRAILERS_WANTED = 'te: trailers\r\nconnection: te\r\n';

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
  if (framing.unframe) dropCoding(head);
  const start = at;
  at = writeFields(out, at, head, head.start);
  // `HTTP/1.0` of the server becomes our own version.
  out[start + 7] = 49;
  if (head.status === 101) at += out.write('connection: upgrade\r\n', at, 'latin1');
  else if (framing.close) at += out.write('connection: close\r\n', at, 'latin1');
  else if (framing.keepAlive) at += out.write('connection: keep-alive\r\n', at, 'latin1');
  if (extra !== '') at += out.write(extra, at, 'latin1');
  return endLine(out, at);
}

/** An unframed body has no coding. */
function dropCoding(head: ResponseHead): void {
  for (let field = 0; field < head.count; field++) if (head.ids[field] === TRANSFER_ENCODING) head.drop(field);
}
