import type { HashKey } from '../../contract/policy/balancer.ts';
import { hashText } from '../hash.ts';
import type { Rng } from '../rng.ts';

/** What a key is taken from. */
export interface KeySource {
  /** Value of the first field of that (lower-case) name; empty when there is none. */
  first(name: string): string;
}

/** What comes without the key goes anywhere: it has nothing to be kept together with. `head`: `null` of bytes. `source`: the client's address. */
export function requestHash(key: HashKey, head: KeySource | null, source: string, rng: Rng): number {
  const value = key.type === 'source' ? source : head === null ? '' : fieldOf(key, head);
  return value === '' ? rng.uint32() : hashText(value);
}

function fieldOf({ type, name }: Exclude<HashKey, { type: 'source' }>, head: KeySource): string {
  return type === 'header' ? head.first(name) : cookieOf(head.first('cookie'), name);
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
