import { passesInTrailers } from '../../http/fields.ts';
import { Head } from './head.ts';
import { parseFields } from './parse-fields.ts';
import { BAD_TRAILER } from './rejection.ts';

/**
 * The trailer section `bytes[0..end)`, empty line included, without what may not stand there and without the `nominated` fields (lower case), which the
 * head's `Connection` names (RFC 9110 section 7.6.1: header or trailer fields); or BAD_TRAILER.
 */
export function filterTrailers(bytes: Buffer, end: number, nominated: readonly string[]): Buffer | number {
  const head = new Head();
  head.maxBytes = end;
  head.reset(bytes, 0);
  if (parseFields(head, 0, end) !== end) return BAD_TRAILER;
  const kept: Buffer[] = [];
  for (let field = 0; field < head.count; field++) {
    if (mayPass(head, field, nominated)) kept.push(bytes.subarray(head.nameStart[field], head.lineEnd(field)));
  }
  kept.push(bytes.subarray(end - 2, end));
  return Buffer.concat(kept);
}

function mayPass(head: Head, field: number, nominated: readonly string[]): boolean {
  const name = head.name(field);
  return head.dropped[field] === 0 && passesInTrailers(name) && !nominated.includes(name);
}
