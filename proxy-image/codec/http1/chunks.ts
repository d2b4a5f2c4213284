import { passesInTrailers } from '../../http/fields.ts';
import type { Trailers } from '../../http/message.ts';

const CRLF = Buffer.from('\r\n', 'latin1');

/** `bytes[from..to)`, which are not none, as a chunk (RFC 9112 section 7.1). */
export function chunkOf(bytes: Buffer, from: number, to: number): Buffer {
  const size = Buffer.from(`${(to - from).toString(16)}\r\n`, 'latin1');
  return Buffer.concat([size, bytes.subarray(from, to), CRLF]);
}

/** Ends a body in chunks. What may not pass of the trailers is left out. */
export function lastChunk(trailers: Trailers | null): string {
  let text = '0\r\n';
  if (trailers === null) return `${text}\r\n`;
  const { names, values } = trailers;
  for (let i = 0; i < names.length; i++) {
    if (passesInTrailers(names[i]!)) text += `${names[i]!}: ${values[i]!}\r\n`;
  }
  return `${text}\r\n`;
}
