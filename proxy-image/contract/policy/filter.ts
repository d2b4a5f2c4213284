import type { Fields, Reader } from '../read/reader.ts';
import { HIGHEST_GRPC_STATUS, INTERNAL } from './grpc-status.ts';
import { readMs } from './timeouts.ts';

/** Changes of header fields, in this order: add, set, remove (linkerd2-proxy: modify_header). Names are lower case. */
export interface HeaderChanges {
  add: { name: string; value: string }[];
  set: { name: string; value: string }[];
  remove: string[];
}

/** Another path: all of it, or of its part that a `pathPrefix` of the rule has matched (`prefix`, as that match writes it). */
export type PathChange = { type: 'full'; path: string } | { type: 'prefix'; prefix: string; path: string };

/**
 * What a rule or a backend does to a request or its response, in the order of the list. A proxy that does not know a type fails the rule closed (500).
 * `hostname`, `scheme` and `port` of a redirect: empty or 0 = as requested (Gateway API: HTTPRequestRedirectFilter). `fail` and `delay` are injected faults:
 * `ratio` 0..1 of the requests is answered with `status` (a gRPC call with `grpcStatus`), or held up for `ms`. `mirror`: `ratio` 0..1 of the requests is sent
 * to the backend of that index too, and its response dropped.
 */
export type Filter =
  | { type: 'requestHeaders'; changes: HeaderChanges }
  | { type: 'responseHeaders'; changes: HeaderChanges }
  | { type: 'rewrite'; hostname: string; path: PathChange | null }
  | { type: 'redirect'; scheme: string; hostname: string; port: number; path: PathChange | null; status: number }
  | { type: 'fail'; status: number; grpcStatus: number; message: string; ratio: number }
  | { type: 'delay'; ms: number; ratio: number }
  | { type: 'mirror'; backend: number; ratio: number };

/** What a rule does of which some part was not understood. */
export const FAIL_CLOSED: Readonly<Filter> = {
  type: 'fail',
  status: 500,
  grpcStatus: INTERNAL,
  message: 'the rule is of a kind that this proxy does not know',
  ratio: 1,
};

/** RFC 9110 section 5.6.2, in lower case; a pseudo-header is none. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,256}$/;
/** RFC 9110 section 5.5; at most what a head may have. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,8192}$/;
/** RFC 3986 section 3.2.2, as far as hosts are names or addresses. */
const HOST = /^[A-Za-z0-9._:[\]-]{0,255}$/;
/** RFC 3986 section 3.3, already percent-encoded; a prefix may be replaced by nothing. */
const PATH = /^(?:\/[!$-;=@-Z_a-z~%]{0,4096})?$/;
const SCHEME = /^(?:https?)?$/;

/** `FAIL_CLOSED` alone where one of them was not understood. `backends`: how many the policy has. */
export function readFilters(reader: Reader, value: unknown, path: string, backends: number): Filter[] {
  const before = reader.denied;
  const filters = reader.list(value, path, (entry, at) => readFilter(reader, entry, at, backends));
  return reader.denied === before ? filters : [{ ...FAIL_CLOSED }];
}

function readFilter(reader: Reader, value: unknown, path: string, backends: number): Filter {
  const fields = reader.object(value, path);
  const ratio = (): number => reader.number(fields['ratio'], `${path}.ratio`, 0, 1);
  switch (fields['type']) {
    case 'requestHeaders':
    case 'responseHeaders':
      return { type: fields['type'], changes: readChanges(reader, fields['changes'], `${path}.changes`) };
    case 'rewrite':
      return {
        type: 'rewrite',
        hostname: readText(reader, fields['hostname'], `${path}.hostname`, HOST, 'a host'),
        path: readPathChange(reader, fields['path'], `${path}.path`),
      };
    case 'redirect':
      return readRedirect(reader, fields, path);
    case 'fail':
      return {
        type: 'fail',
        status: reader.integerOf(fields, path, 'status', 200, 599),
        grpcStatus: reader.integerOf(fields, path, 'grpcStatus', 0, HIGHEST_GRPC_STATUS),
        message: readText(reader, fields['message'], `${path}.message`, FIELD_VALUE, 'a text of one line'),
        ratio: ratio(),
      };
    case 'delay':
      return { type: 'delay', ms: readMs(reader, fields, path, 'ms'), ratio: ratio() };
    case 'mirror':
      return { type: 'mirror', backend: reader.index(fields['backend'], `${path}.backend`, backends), ratio: ratio() };
    default:
      reader.unknownType(fields['type'], path);
      return { ...FAIL_CLOSED };
  }
}

function readRedirect(reader: Reader, fields: Fields, path: string): Filter {
  return {
    type: 'redirect',
    scheme: readText(reader, fields['scheme'], `${path}.scheme`, SCHEME, 'http, https or nothing'),
    hostname: readText(reader, fields['hostname'], `${path}.hostname`, HOST, 'a host'),
    port: reader.integerOf(fields, path, 'port', 0, 65_535),
    path: readPathChange(reader, fields['path'], `${path}.path`),
    status: reader.integerOf(fields, path, 'status', 300, 399),
  };
}

function readChanges(reader: Reader, value: unknown, path: string): HeaderChanges {
  const fields = reader.object(value, path);
  const pairs = (name: 'add' | 'set') =>
    reader.list(fields[name], `${path}.${name}`, (entry, at) => {
      const pair = reader.object(entry, at);
      return {
        name: readText(reader, pair['name'], `${at}.name`, FIELD_NAME, 'a field name in lower case'),
        value: readText(reader, pair['value'], `${at}.value`, FIELD_VALUE, 'a field value'),
      };
    });
  return {
    add: pairs('add'),
    set: pairs('set'),
    remove: reader.list(fields['remove'], `${path}.remove`, (name, at) =>
      readText(reader, name, at, FIELD_NAME, 'a field name in lower case'),
    ),
  };
}

/** `prefix` is what a match wrote, and may be any text. */
function readPathChange(reader: Reader, value: unknown, path: string): PathChange | null {
  if (value === null) return null;
  const fields = reader.object(value, path);
  const type = fields['type'];
  if (type !== 'full' && type !== 'prefix') {
    reader.unknownType(type, path);
    return null;
  }
  const replacement = readText(reader, fields['path'], `${path}.path`, PATH, 'a path');
  if (type === 'full') return { type, path: replacement };
  return { type, prefix: reader.textOf(fields, path, 'prefix'), path: replacement };
}

/** Fields of heads are written as they are: what could end one early, or begin another, is refused here. */
function readText(reader: Reader, value: unknown, path: string, form: RegExp, expected: string): string {
  const text = reader.text(value, path);
  if (!form.test(text)) reader.fail(path, expected);
  return text;
}
