import type { Reader } from '../read/reader.ts';

/** A text that a header or a query parameter must have: exactly, or by an RE2 expression which must match all of it (Gateway API: HeaderMatchType). */
export type TextMatch = { type: 'exact'; value: string } | { type: 'regex'; regex: string };

/**
 * Which requests a rule is for. The first eight say something about one request; `all`, `any` and `not` combine them (`all` of nothing matches everything,
 * `any` of nothing matches nothing).
 *
 * `path` is matched against the path without the query. `path`: an RE2 expression, for all of it (ServiceProfile `pathRegex`, Gateway API
 * `RegularExpression`). `pathExact`: equal text. `pathPrefix`: whole segments (`/v2` is a prefix of `/v2` and `/v2/x`, not of `/v2x`; a `/` at its end has no
 * meaning; Gateway API: PathMatchPathPrefix). `header`: names are lower case; of a repeated header all values, joined by a comma. `query`: names are case
 * sensitive; of a repeated parameter the first counts (Gateway API: HTTPQueryParamMatch). `host`: of the request, without its port, in lower case;
 * `*.example.com` stands for any number of labels before it (Gateway API: Hostname). `grpc`: service and method of `/service/method`; `null` = any.
 */
export type RequestMatch =
  | { type: 'method'; method: string }
  | { type: 'path'; regex: string }
  | { type: 'pathExact'; path: string }
  | { type: 'pathPrefix'; path: string }
  | { type: 'header'; name: string; value: TextMatch }
  | { type: 'query'; name: string; value: TextMatch }
  | { type: 'host'; host: string }
  | { type: 'grpc'; service: TextMatch | null; method: TextMatch | null }
  | { type: 'all'; of: RequestMatch[] }
  | { type: 'any'; of: RequestMatch[] }
  | { type: 'not'; of: RequestMatch };

export const MATCHES_ALL: RequestMatch = { type: 'all', of: [] };

/**
 * Reads a match. What a part of an unknown type would say of a request cannot be known: `match` is then true of every request that the whole could be true
 * of, and `understood` is false. The rule that it stands in must answer those requests by failing, for they may be the ones that somebody wanted to keep out.
 */
export function readMatch(reader: Reader, value: unknown, path: string): { match: RequestMatch; understood: boolean } {
  const before = reader.denied;
  const match = readPart(reader, value, path, 0);
  const understood = reader.denied === before;
  return { match: match ?? MATCHES_ALL, understood };
}

/** `null`: it may be true of any request. */
function readPart(reader: Reader, value: unknown, path: string, depth: number): RequestMatch | null {
  if (reader.tooDeep(depth, path)) return null;
  const fields = reader.object(value, path);
  const text = (name: string): string => reader.text(fields[name], `${path}.${name}`);
  switch (fields['type']) {
    case 'method':
      return { type: 'method', method: text('method') };
    case 'path':
      return { type: 'path', regex: text('regex') };
    case 'pathExact':
    case 'pathPrefix':
      return { type: fields['type'], path: text('path') };
    case 'host':
      return { type: 'host', host: text('host') };
    case 'header':
    case 'query': {
      const of = readText(reader, fields['value'], `${path}.value`);
      return of === null ? null : { type: fields['type'], name: text('name'), value: of };
    }
    case 'grpc': {
      const before = reader.denied;
      const part = (name: string) => (fields[name] === null ? null : readText(reader, fields[name], `${path}.${name}`));
      const [service, method] = [part('service'), part('method')];
      return reader.denied === before ? { type: 'grpc', service, method } : null;
    }
    case 'all':
    case 'any':
      return readSeveral(reader, fields['type'], fields['of'], `${path}.of`, depth);
    case 'not': {
      // What the part could be true of says nothing of what its opposite could be.
      const before = reader.denied;
      const of = readPart(reader, fields['of'], `${path}.of`, depth + 1);
      return of === null || reader.denied !== before ? null : { type: 'not', of };
    }
    default:
      reader.unknownType(fields['type'], path);
      return null;
  }
}

function readSeveral(
  reader: Reader,
  type: 'all' | 'any',
  value: unknown,
  path: string,
  depth: number,
): RequestMatch | null {
  const parts = reader.list(value, path, (entry, at) => readPart(reader, entry, at, depth + 1));
  const of = parts.filter((part) => part !== null);
  return type === 'any' && of.length < parts.length ? null : { type, of };
}

/** `null`: of an unknown type. */
function readText(reader: Reader, value: unknown, path: string): TextMatch | null {
  const fields = reader.object(value, path);
  switch (fields['type']) {
    case 'exact':
      return { type: 'exact', value: reader.textOf(fields, path, 'value') };
    case 'regex':
      return { type: 'regex', regex: reader.textOf(fields, path, 'regex') };
    default:
      reader.unknownType(fields['type'], path);
      return null;
  }
}
