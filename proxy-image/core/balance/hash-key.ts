import type { HashKey } from '../../contract/policy/balancer.ts';
import { hashText } from '../hash.ts';
import type { Rng } from '../rng.ts';

/** What a key is taken from. */
export interface KeySource {
  /** Value of the first field of that (lower-case) name; empty when there is none. */
  first(name: string): string;
}

/** A request without the key goes anywhere: it has nothing to be kept together with. `source`: the client's address. */
export function requestHash(key: HashKey, head: KeySource, source: string, rng: Rng): number {
  const value = keyOf(key, head, source);
  return value === '' ? rng.uint32() : hashText(value);
}

function keyOf(key: HashKey, head: KeySource, source: string): string {
  switch (key.type) {
    case 'header':
      return head.first(key.name);
    case 'cookie':
      return cookieOf(head.first('cookie'), key.name);
    case 'source':
      return source;
  }
}

/** The value of the first cookie of that name (RFC 6265, section 4.2.1); empty when there is none. */
export function cookieOf(header: string, name: string): string {
  let start = 0;
  while (start < header.length) {
    const semicolon = header.indexOf(';', start);
    const end = semicolon === -1 ? header.length : semicolon;
    while (start < end && header.charCodeAt(start) === 0x20) start++;
    if (header.startsWith(name, start) && header[start + name.length] === '=') {
      return header.slice(start + name.length + 1, end);
    }
    start = end + 1;
  }
  return '';
}
