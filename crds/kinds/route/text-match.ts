import type { RequestMatch, TextMatch } from '../../../proxy-image/contract/policy/match.ts';
import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { quote } from '../../scalars/scalar.ts';
import { isFieldName } from '../../scalars/token.ts';
import type { RuleScope } from './scope.ts';

type NamedMatch = Extract<RequestMatch, { type: 'header' | 'query' }>;

/**
 * `headers` of a match (Gateway API: HTTPHeaderMatch, GRPCHeaderMatch). Names are compared without case; of several entries with one name only the first
 * counts, and the others are ignored.
 */
export function parseHeaders(match: Fields, scope: RuleScope): NamedMatch[] {
  return firstOfEachName(
    match.objects('headers', LIMITS.headerMatches).map((header): NamedMatch => {
      scope.known(header, ['type', 'name', 'value']);
      const name = header.text('name');
      if (!isFieldName(name)) header.problems.error(header.at('name'), `must be a header name, not ${quote(name)}`);
      return { type: 'header', name: name.toLowerCase(), value: parseText(header, scope) };
    }),
  );
}

/** `queryParams` of a match (Gateway API: HTTPQueryParamMatch): names are compared exactly, and the first entry of a name counts. */
export function parseQuery(match: Fields, scope: RuleScope): NamedMatch[] {
  return firstOfEachName(
    match.objects('queryParams', LIMITS.headerMatches).map((parameter): NamedMatch => {
      scope.known(parameter, ['type', 'name', 'value']);
      const name = parameter.text('name');
      if (name === '') parameter.problems.error(parameter.at('name'), 'is required');
      return { type: 'query', name, value: parseText(parameter, scope) };
    }),
  );
}

function parseText(fields: Fields, scope: RuleScope): TextMatch {
  const type = fields.text('type') || 'Exact';
  if (type === 'RegularExpression') return { type: 'regex', regex: scope.regex(fields, 'value') };
  if (type !== 'Exact')
    fields.problems.error(fields.at('type'), `must be Exact or RegularExpression, not ${quote(type)}`);
  return { type: 'exact', value: fields.text('value') };
}

function firstOfEachName(matches: NamedMatch[]): NamedMatch[] {
  const seen = new Set<string>();
  return matches.filter(({ name }) => !seen.has(name) && seen.add(name));
}
