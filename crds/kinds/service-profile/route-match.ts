import type { RequestMatch } from '../../../proxy-image/contract/policy/match.ts';
import type { ResponseMatch } from '../../../proxy-image/contract/policy/response-class.ts';
import type { Fields } from '../../parse/fields.ts';
import type { PatternBudget } from '../../parse/pattern-budget.ts';
import { quote } from '../../scalars/scalar.ts';
import { isMethod } from '../../scalars/token.ts';
import { matchNothing, parseMatch } from './match.ts';

const MIN_STATUS = 100;
const MAX_STATUS = 599;

type RequestLeaf = Extract<RequestMatch, { type: 'method' | 'path' }>;
type ResponseLeaf = Extract<ResponseMatch, { type: 'status' }>;

export function parseRequestMatch(match: Fields, budget: PatternBudget): RequestMatch {
  return parseMatch<RequestLeaf>(match, {
    leafFields: ['pathRegex', 'method'],
    readLeaves: (fields) => [...readMethod(fields), ...readPath(fields, budget)],
  });
}

/** Methods are compared exactly (RFC 9110 §9.1: case-sensitive), so `get` is legal and surely not meant. */
function readMethod(match: Fields): RequestLeaf[] {
  const method = match.text('method');
  if (method === '') return [];
  if (!isMethod(method)) match.problems.error(match.at('method'), `must be an HTTP method, not ${quote(method)}`);
  else if (method !== method.toUpperCase()) {
    match.problems.warning(
      match.at('method'),
      `is compared exactly: ${quote(method)} does not match ${method.toUpperCase()}`,
    );
  }
  return [{ type: 'method', method }];
}

function readPath(match: Fields, budget: PatternBudget): RequestLeaf[] {
  const text = match.text('pathRegex');
  if (text === '') return [];
  budget.check(text, match.problems, match.at('pathRegex'));
  return [{ type: 'path', regex: text }];
}

export function parseResponseMatch(match: Fields): ResponseMatch {
  return parseMatch<ResponseLeaf>(match, { leafFields: ['status'], readLeaves: readStatus });
}

/** Only `min` or only `max` means that single code (Linkerd: ServiceProfile reference); 0 counts as absent. */
function readStatus(match: Fields): ResponseMatch[] {
  const status = match.object('status');
  if (status === null) return [];
  status.closed(['min', 'max']);
  const min = readCode(status, 'min');
  const max = readCode(status, 'max');
  if (min === 0 && max === 0) {
    status.problems.warning(status.path, 'matches nothing: it has neither min nor max');
    return [matchNothing<ResponseLeaf>()];
  }
  if (min !== 0 && max !== 0 && max < min) status.problems.error(status.path, 'must not have max below min');
  return [{ type: 'status', min: min === 0 ? max : min, max: max === 0 ? min : max }];
}

function readCode(status: Fields, key: string): number {
  const code = status.integer(key) ?? 0;
  if (code !== 0 && (code < MIN_STATUS || code > MAX_STATUS)) {
    status.problems.error(status.at(key), `must be a status from ${MIN_STATUS} to ${MAX_STATUS}, not ${code}`);
  }
  return code;
}
