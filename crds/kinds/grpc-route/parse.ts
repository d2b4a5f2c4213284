import type { RequestMatch, TextMatch } from '../../../proxy-image/contract/policy/match.ts';
import type { Fields } from '../../parse/fields.ts';
import { quote } from '../../scalars/scalar.ts';
import type { Parsed } from '../../types/problem.ts';
import { GRPC_ROUTE, type MatchRank, type RouteMatch, type RouteModel } from '../route/model.ts';
import { parseRoute } from '../route/parse.ts';
import type { RuleScope } from '../route/scope.ts';
import { parseHeaders } from '../route/text-match.ts';

const EVERY_CALL: RouteMatch = { match: { type: 'grpc', service: null, method: null }, rank: [0, 0, 0] };

const GRAMMAR = {
  ruleFields: ['name', 'matches', 'filters', 'backendRefs'],
  everything: EVERY_CALL,
  parseMatch: parseGrpcMatch,
  parseTimes: () => ({ requestMs: null, attemptMs: 0, retry: null }),
};

/** A GRPCRoute. Its rules are judged one by one, see `RuleScope`. */
export function parseGrpcRoute(raw: unknown): Parsed<RouteModel> {
  return parseRoute(raw, GRPC_ROUTE, GRAMMAR);
}

/** One of `matches` (Gateway API: GRPCRouteMatch). All that it says must hold. */
function parseGrpcMatch(match: Fields, scope: RuleScope): RouteMatch {
  scope.known(match, ['method', 'headers']);
  const call = parseMethod(match, scope);
  const headers = parseHeaders(match, scope);
  const of = [call, ...headers];
  return {
    match: of.length === 1 ? call : { type: 'all', of },
    rank: [length(call.service), length(call.method), headers.length],
  };
}

type CallMatch = Extract<RequestMatch, { type: 'grpc' }>;

/** Gateway API, GRPCRouteRule `matches`: most characters of the service, then of the method. An expression has no length of its own; it goes before silence. */
function length(text: TextMatch | null): MatchRank[number] {
  if (text === null) return 0;
  return text.type === 'exact' ? text.value.length : 0.5;
}

const SERVICE = /^\.?[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*$/;
const METHOD = /^[A-Za-z_][A-Za-z_0-9]*$/;

/** Gateway API: GRPCMethodMatch. Linkerd refuses regular expressions here; they are taken. */
function parseMethod(match: Fields, scope: RuleScope): CallMatch {
  const method = match.object('method');
  if (method === null) return { type: 'grpc', service: null, method: null };
  scope.known(method, ['type', 'service', 'method']);
  const type = method.text('type') || 'Exact';
  if (type !== 'Exact' && type !== 'RegularExpression') {
    method.problems.error(method.at('type'), `must be Exact or RegularExpression, not ${quote(type)}`);
  }
  const read = (key: string, form: RegExp): TextMatch | null => {
    const text = method.text(key);
    if (text === '') return null;
    if (type === 'RegularExpression') return { type: 'regex', regex: scope.regex(method, key) };
    if (!form.test(text))
      method.problems.error(method.at(key), `must be the name of a gRPC ${key}, not ${quote(text)}`);
    return { type: 'exact', value: text };
  };
  const call: CallMatch = { type: 'grpc', service: read('service', SERVICE), method: read('method', METHOD) };
  if (call.service === null && call.method === null) {
    method.problems.error(method.path, 'must have service or method');
  }
  return call;
}
