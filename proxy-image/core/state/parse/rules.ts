import { readFilters } from '../../../contract/policy/filter.ts';
import { readMatch } from '../../../contract/policy/match.ts';
import { readMeta } from '../../../contract/policy/meta.ts';
import type { Reader } from '../../../contract/read/reader.ts';
import type { RuleSource } from '../../policy/rules.ts';
import { parseAuthorizations } from './authorization.ts';

/** No backend is known on the inbound side: what a filter says of one is refused. */
const BACKENDS = 0;

export function readRules(reader: Reader, value: unknown, path: string): RuleSource[] {
  return reader.list(value, path, (entry, at) => {
    const fields = reader.object(entry, at);
    return {
      meta: readMeta(reader, fields['meta'], `${at}.meta`),
      ...readMatch(reader, fields['match'], `${at}.match`),
      filters: readFilters(reader, fields['filters'], `${at}.filters`, BACKENDS),
      authorizations: parseAuthorizations(reader, fields['authorizations'], `${at}.authorizations`),
    };
  });
}
