import { FORBIDDEN_TRAILERS } from './fields.ts';
import { Head } from './head.ts';
import { parseFields } from './parse-fields.ts';
import { BAD_TRAILER } from './rejection.ts';

/**
 * The trailer section `bytes[0..end)`, empty line included, without what would frame, route or identify (RFC 9110 section 6.5.1), or BAD_TRAILER.
 */
export function filterTrailers(bytes: Buffer, end: number): Buffer | number {
  const head = new Head();
  head.reset(bytes, 0);
  if (parseFields(head, 0, end) !== end) return BAD_TRAILER;
  const kept: Buffer[] = [];
  for (let field = 0; field < head.count; field++) {
    if (mayPass(head, field)) kept.push(bytes.subarray(head.nameStart[field], head.lineEnd(field)));
  }
  kept.push(bytes.subarray(end - 2, end));
  return Buffer.concat(kept);
}

function mayPass(head: Head, field: number): boolean {
  const name = head.bytes.toString('latin1', head.nameStart[field], head.nameEnd[field]).toLowerCase();
  // Fields of the mesh are among the dropped.
  return head.dropped[field] === 0 && !FORBIDDEN_TRAILERS.has(name);
}
