import { parseRouteTraffic, type RouteTraffic } from '../../annotations/traffic.ts';
import { type Element, Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { PatternBudget } from '../../parse/pattern-budget.ts';
import type { ProblemList } from '../../parse/problems.ts';
import { type Kind, parseParts, type Source } from '../../parse/resource.ts';
import { isDnsSubdomain } from '../../scalars/name.ts';
import { quote } from '../../scalars/scalar.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';
import type { Parsed } from '../../types/problem.ts';
import { DEFAULT_MESH } from '../mesh/parse.ts';
import { type FilterContext, parseFilters } from './filters.ts';
import type { BackendRef, RouteMatch, RouteModel, RouteRule } from './model.ts';
import { isService, parseParents, parseTarget } from './refs.ts';
import { RuleScope } from './scope.ts';

/** In what kinds of routes differ. */
export interface RouteGrammar {
  ruleFields: readonly string[];
  /** What a rule without matches is for. */
  everything: RouteMatch;
  parseMatch(match: Fields, scope: RuleScope): RouteMatch;
  parseTimes(rule: Fields): Pick<RouteRule, 'requestMs' | 'attemptMs' | 'retry'>;
}

/**
 * A route, whatever is wrong with single rules of it. Of one without a parent of ours nothing else is read: it is another controller's, and may be written
 * for an API that we do not know (Linkerd admits such routes too).
 */
export function parseRoute(raw: unknown, kind: Kind, grammar: RouteGrammar): Parsed<RouteModel> {
  return parseParts(raw, kind, (source) => buildRoute(source, kind, grammar));
}

function buildRoute({ meta, spec, problems }: Source, { group, kind }: Kind, grammar: RouteGrammar): RouteModel {
  const parents = parseParents(spec, meta.namespace);
  const route: RouteModel = {
    meta,
    group,
    kind: kind === 'GRPCRoute' ? kind : 'HTTPRoute',
    parents,
    hostnames: [],
    rules: [],
    traffic: NO_TRAFFIC,
  };
  if (!parents.some(({ target }) => target !== 'other')) return route;
  if (spec.list('hostnames', LIMITS.hostnames).length > 0 && parents.some(({ target }) => target === 'service')) {
    problems.warning(spec.at('hostnames'), 'has no meaning for a route of a Service: its address decides');
  }
  route.hostnames = spec.strings('hostnames', LIMITS.hostnames).map((each) => parseHostname(spec, each));
  const patterns = new PatternBudget();
  const rules = spec.has('rules') ? spec.list('rules', LIMITS.routeRules) : [{ value: {}, path: spec.at('rules[0]') }];
  route.rules = rules.map((rule) => parseRule(rule, { meta, problems, patterns, grammar }));
  return { ...route, traffic: parseAnnotations(route, problems) };
}

interface RuleContext {
  meta: ObjectMeta;
  problems: ProblemList;
  patterns: PatternBudget;
  grammar: RouteGrammar;
}

function parseRule(element: Element, { meta, problems, patterns, grammar }: RuleContext): RouteRule {
  const scope = new RuleScope(patterns);
  const rule = Fields.of(element, scope.problems) ?? new Fields({}, element.path, scope.problems);
  scope.known(rule, grammar.ruleFields);
  const written = rule.objects('matches', LIMITS.routeMatches);
  const matches = saysNothing(rule.raw('matches')) ? [grammar.everything] : readable(written, scope, grammar);
  const context: FilterContext = { scope, namespace: meta.namespace, prefix: onlyPrefix(matches) };
  const parsed = {
    name: rule.text('name'),
    matches,
    unreadMatches: saysNothing(rule.raw('matches')) ? 0 : written.length - matches.length,
    filters: parseFilters(rule, context),
    backends: rule.objects('backendRefs', LIMITS.backends).map((ref) => parseBackend(ref, context)),
    ...grammar.parseTimes(rule),
  };
  const broken = scope.broken();
  problems.take(scope.problems);
  return { ...parsed, broken };
}

function saysNothing(matches: unknown): boolean {
  return matches === undefined || (Array.isArray(matches) && matches.length === 0);
}

/** A name, or `*.` and a name (Gateway API: Hostname). What is none is no host of any request. */
function parseHostname(spec: Fields, { text, path }: { text: string; path: string }): string {
  const name = text.startsWith('*.') ? text.slice(2) : text;
  if (!isDnsSubdomain(name)) spec.problems.error(path, `must be a host name, not ${quote(text)}`);
  return text;
}

/** A match with an error is for nothing: what it was meant for is not known, and every other guess takes requests from other rules. */
function readable(written: readonly Fields[], scope: RuleScope, grammar: RouteGrammar): RouteMatch[] {
  const matches: RouteMatch[] = [];
  for (const fields of written) {
    const before = scope.errors;
    const match = grammar.parseMatch(fields, scope);
    if (scope.errors === before) matches.push(match);
  }
  return matches;
}

function onlyPrefix(matches: readonly RouteMatch[]): string | null {
  const [only, second] = matches;
  if (only === undefined || second !== undefined) return null;
  const parts = only.match.type === 'all' ? only.match.of : [only.match];
  // A match that says nothing of the path, like one for `/`, is for every path.
  const path = parts.find(({ type }) => type === 'pathPrefix' || type === 'pathExact' || type === 'path');
  if (path === undefined) return '/';
  return path.type === 'pathPrefix' ? path.path : null;
}

const MAX_WEIGHT = 1_000_000;

function parseBackend(ref: Fields, context: FilterContext): BackendRef {
  const weight = ref.integer('weight') ?? 1;
  if (weight < 0 || weight > MAX_WEIGHT) ref.problems.error(ref.at('weight'), `must be from 0 to ${MAX_WEIGHT}`);
  const target = parseTarget(ref, context.namespace);
  if (isService(target) && target.port === 0) ref.problems.error(ref.at('port'), 'is required for a Service');
  return { ...target, weight: Math.min(Math.max(weight, 0), MAX_WEIGHT), filters: parseFilters(ref, context) };
}

const NO_TRAFFIC: RouteTraffic = { retry: undefined, timeouts: undefined };

/** Linkerd reads them where a parent is a Service. What they come to where they say nothing is the same for every Mesh. */
function parseAnnotations({ kind, meta, parents }: RouteModel, problems: ProblemList): RouteTraffic {
  if (!parents.some(({ target }) => target === 'service')) return NO_TRAFFIC;
  const place = kind === 'GRPCRoute' ? 'grpcRoute' : 'httpRoute';
  const parsed = parseRouteTraffic(place, meta.annotations, DEFAULT_MESH);
  for (const problem of parsed.problems) problems.add(problem);
  return parsed.traffic;
}
