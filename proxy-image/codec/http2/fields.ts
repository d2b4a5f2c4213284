import { HIGHEST_GRPC_STATUS, NO_GRPC_STATUS, UNKNOWN } from '../../contract/policy/grpc-status.ts';
import { CONNECTION_FIELDS, PROXY_ERROR } from '../../http/fields.ts';
import { FIELD_VALUE, isBlank, TOKEN } from '../../http/octets.ts';
import type { HeaderList } from './hpack/header-list.ts';
import { STATIC_NAMES } from './hpack/static-table.ts';
import {
  CONNECTION_FIELD,
  MALFORMED_CONTENT_LENGTH,
  MALFORMED_HOST,
  MALFORMED_NAME,
  MALFORMED_TE,
  MALFORMED_VALUE,
  MISPLACED_PSEUDO,
  REPEATED_CONTENT_LENGTH,
} from './rejection.ts';

const COLON = 58;

const ORDINARY = 0;
const HOST = 1;
const CONTENT_LENGTH = 2;
const CONTENT_TYPE = 3;
const TE = 4;
const GRPC_STATUS = 5;
const L5D_PROXY_ERROR = 6;
/** RFC 9113 section 8.2.2. */
const CONNECTION_SPECIFIC = 7;

/** Names that are known to be well-formed, and what they are to a proxy. */
const KINDS: ReadonlyMap<string, number> = new Map<string, number>([
  ...STATIC_NAMES.filter((name) => /^[a-z]/.test(name)).map((name): [string, number] => [name, ORDINARY]),
  ...['grpc-timeout', 'grpc-encoding', 'grpc-accept-encoding', 'grpc-message', 'traceparent', 'x-request-id'].map(
    (name): [string, number] => [name, ORDINARY],
  ),
  ...[...CONNECTION_FIELDS].map((name): [string, number] => [name, CONNECTION_SPECIFIC]),
  ['host', HOST],
  ['content-length', CONTENT_LENGTH],
  ['content-type', CONTENT_TYPE],
  ['te', TE],
  ['grpc-status', GRPC_STATUS],
  [PROXY_ERROR, L5D_PROXY_ERROR],
]);

export function isPseudo(name: string): boolean {
  return name.charCodeAt(0) === COLON;
}

/** The fields behind the pseudo-header fields: checked, and what a proxy has to know of them. */
export class RegularFields {
  host = '';
  /** -1 = not announced. */
  contentLength = -1;
  isGrpc = false;
  grpcStatus: number = NO_GRPC_STATUS;
  proxyError = '';
  #hasContentType = false;

  /** RFC 9113 section 8.2 and RFC 9110 section 5.5. Returns a rejection or 0. */
  read(list: HeaderList, from: number): number {
    const { names, values } = list;
    this.host = '';
    this.contentLength = -1;
    this.isGrpc = false;
    this.grpcStatus = NO_GRPC_STATUS;
    this.proxyError = '';
    this.#hasContentType = false;
    for (let i = from; i < names.length; i++) {
      const kind = KINDS.get(names[i]!);
      if (kind === undefined && !isFieldName(names[i]!)) {
        return isPseudo(names[i]!) ? MISPLACED_PSEUDO : MALFORMED_NAME;
      }
      if (!isFieldValue(values[i]!)) return MALFORMED_VALUE;
      if (kind === undefined || kind === ORDINARY) continue;
      const refused = this.#interpret(kind, values[i]!);
      if (refused < 0) return refused;
    }
    return 0;
  }

  #interpret(kind: number, value: string): number {
    switch (kind) {
      case HOST:
        if (this.host !== '' || value === '') return MALFORMED_HOST;
        this.host = value;
        return 0;
      case CONTENT_LENGTH:
        // Equal repetitions are refused too: nobody sends them by accident.
        if (this.contentLength !== -1) return REPEATED_CONTENT_LENGTH;
        this.contentLength = lengthOf(value);
        return this.contentLength === -1 ? MALFORMED_CONTENT_LENGTH : 0;
      case CONTENT_TYPE:
        // There is one (RFC 9110 section 8.3). Where there are more, nobody knows which of them the application believes: all have to say so.
        this.isGrpc = isGrpcType(value) && (this.isGrpc || !this.#hasContentType);
        this.#hasContentType = true;
        return 0;
      case TE:
        return value === 'trailers' || value.toLowerCase() === 'trailers' ? 0 : MALFORMED_TE;
      case GRPC_STATUS:
        if (this.grpcStatus === NO_GRPC_STATUS) this.grpcStatus = grpcStatusOf(value);
        return 0;
      case L5D_PROXY_ERROR:
        if (this.proxyError === '') this.proxyError = value;
        return 0;
      default:
        return CONNECTION_FIELD;
    }
  }
}

/** RFC 9113 section 8.2.1: a token without upper-case letters. */
function isFieldName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const octet = name.charCodeAt(i);
    // The table has 0 for what is no token, the NUL octet among it.
    if (octet === 0 || TOKEN[octet] !== octet) return false;
  }
  return name !== '';
}

/** RFC 9113 section 8.2.1: no CR, LF or NUL (nor another control), no blank around. May be empty. */
function isFieldValue(value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  for (let i = 0; i < length; i++) if (FIELD_VALUE[value.charCodeAt(i)] !== 1) return false;
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(length - 1));
}

/** RFC 9110 section 8.6: digits only; -1 otherwise. 2^53 has sixteen digits. */
function lengthOf(value: string): number {
  if (!/^[0-9]{1,16}$/.test(value)) return -1;
  const length = Number(value);
  return Number.isSafeInteger(length) ? length : -1;
}

const GRPC_TYPE = 'application/grpc';

/** Not `application/grpc-web`, which is another protocol. */
function isGrpcType(value: string): boolean {
  if (!value.startsWith(GRPC_TYPE)) return false;
  return value.length === GRPC_TYPE.length || ['+', ';', ' '].includes(value[GRPC_TYPE.length]!);
}

/** A code outside of 0..16 or no number at all is UNKNOWN, as gRPC's clients take it. */
function grpcStatusOf(value: string): number {
  const status = /^[0-9]{1,2}$/.test(value) ? Number(value) : UNKNOWN;
  return status <= HIGHEST_GRPC_STATUS ? status : UNKNOWN;
}
