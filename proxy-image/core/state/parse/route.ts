import { readMatch } from '../../../contract/policy/match.ts';
import { readResponseClasses } from '../../../contract/policy/response-class.ts';
import { readMs } from '../../../contract/policy/timeouts.ts';
import type { Reader } from '../../../contract/read/reader.ts';
import type { Route } from '../../../contract/resources.ts';

/** What the inbound side counts by. A route with a match that is not understood counts nothing: it decides nothing either. */
export function parseRoutes(reader: Reader, value: unknown, path: string): Route[] {
  return reader.list(value, path, (entry, at) => parseRoute(reader, entry, at));
}

const MATCHES_NONE: Route['match'] = { type: 'any', of: [] };

function parseRoute(reader: Reader, value: unknown, path: string): Route {
  const fields = reader.object(value, path);
  const { match, understood } = readMatch(reader, fields['match'], `${path}.match`);
  return {
    name: reader.textOf(fields, path, 'name'),
    match: understood ? match : MATCHES_NONE,
    isRetryable: reader.flagOf(fields, path, 'isRetryable'),
    timeoutMs: readMs(reader, fields, path, 'timeoutMs'),
    responseClasses: readResponseClasses(reader, fields['responseClasses'], `${path}.responseClasses`),
  };
}
