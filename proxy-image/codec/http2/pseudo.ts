import { MESSAGE_LIMITS } from '../../http/limits.ts';
import { TARGET, TOKEN } from '../../http/octets.ts';
import { isAuthority } from './authority.ts';
import { isPseudo } from './fields.ts';
import type { HeaderList } from './hpack/header-list.ts';
import {
  CONNECT_DISABLED,
  MALFORMED_AUTHORITY,
  MALFORMED_METHOD,
  MALFORMED_PATH,
  MALFORMED_PROTOCOL,
  MALFORMED_SCHEME,
  MISPLACED_PSEUDO,
  MISSING_PSEUDO,
  REPEATED_PSEUDO,
  UNKNOWN_PSEUDO,
} from './rejection.ts';

const SLASH = 47;

/** The pseudo-header fields of a request (RFC 9113 section 8.3.1), each empty when it is missing. */
export class RequestPseudo {
  method = '';
  scheme = '';
  authority = '';
  path = '';
  /** RFC 8441 section 4. */
  protocol = '';
  /** How many there are: the fields begin there. */
  count = 0;

  /** Returns a rejection or 0. */
  read(list: HeaderList): number {
    const { names, values } = list;
    this.method = '';
    this.scheme = '';
    this.authority = '';
    this.path = '';
    this.protocol = '';
    let i = 0;
    for (; i < names.length && isPseudo(names[i]!); i++) {
      if (values[i] === '') return MISSING_PSEUDO;
      const refused = this.#set(names[i]!, values[i]!);
      if (refused < 0) return refused;
    }
    this.count = i;
    return this.#check();
  }

  #set(name: string, value: string): number {
    let before: string;
    switch (name) {
      case ':method':
        before = this.method;
        this.method = value;
        break;
      case ':scheme':
        before = this.scheme;
        this.scheme = value;
        break;
      case ':authority':
        before = this.authority;
        this.authority = value;
        break;
      case ':path':
        before = this.path;
        this.path = value;
        break;
      case ':protocol':
        before = this.protocol;
        this.protocol = value;
        break;
      default:
        return UNKNOWN_PSEUDO;
    }
    return before === '' ? 0 : REPEATED_PSEUDO;
  }

  #check(): number {
    if (this.method === '') return MISSING_PSEUDO;
    if (!isMethod(this.method)) return MALFORMED_METHOD;
    if (this.authority !== '' && !isAuthority(this.authority)) return MALFORMED_AUTHORITY;
    if (this.method === 'CONNECT') {
      if (this.protocol === '') return this.#checkTunnel();
      // What else could be asked for is nothing that we know how to pass.
      if (this.protocol !== 'websocket') return MALFORMED_PROTOCOL;
      if (this.authority === '') return MISSING_PSEUDO;
    } else if (this.protocol !== '') return MALFORMED_PROTOCOL;
    if (this.scheme === '' || this.path === '') return MISSING_PSEUDO;
    if (this.scheme !== 'http' && this.scheme !== 'https') return MALFORMED_SCHEME;
    return isPath(this.path, this.method) ? 0 : MALFORMED_PATH;
  }

  /** RFC 9113 section 8.5. */
  #checkTunnel(): number {
    if (this.scheme !== '' || this.path !== '') return MISPLACED_PSEUDO;
    return this.authority === '' ? MISSING_PSEUDO : CONNECT_DISABLED;
  }
}

function isMethod(text: string): boolean {
  if (text.length > MESSAGE_LIMITS.methodBytes) return false;
  for (let i = 0; i < text.length; i++) if (!(TOKEN[text.charCodeAt(i)]! > 0)) return false;
  return true;
}

/** Path and query, or `*` of OPTIONS; no fragment, blank, control or non-ASCII octet. */
function isPath(text: string, method: string): boolean {
  if (text.charCodeAt(0) !== SLASH) return text === '*' && method === 'OPTIONS';
  for (let i = 0; i < text.length; i++) if (TARGET[text.charCodeAt(i)] !== 1) return false;
  return true;
}
