import type { Filter } from '../../contract/policy/filter.ts';
import type { InboundRule } from '../../contract/policy/inbound.ts';
import type { RequestMatch } from '../../contract/policy/match.ts';
import type { Meta } from '../../contract/policy/meta.ts';
import type { ObjectLabel } from '../../contract/resources.ts';
import type { RequestFacts, RouteMemo } from '../route/request.ts';
import { type CompiledMatch, NO_RULE } from '../route/table.ts';
import { newSeries } from '../series.ts';
import { deciding, gateOf } from './compile.ts';
import type { Gate, PolicyDecision, RuleFacts } from './decision.ts';
import { authorize } from './pass.ts';
import type { InboundPeer } from './peer.ts';
import type { Rules } from './policy.ts';
import { lenientPath } from './spelling.ts';

/** A rule as read. `understood` false: a part of it is of a type that this proxy does not know; `match` then is true of all that the rule may be meant for. */
export interface RuleSource extends InboundRule {
  understood: boolean;
}

export interface RulesSource {
  server: ObjectLabel;
  audit: boolean;
  rules: readonly RuleSource[];
}

/** `null`: the engine refuses an expression of it. */
export type CompileMatch = (match: RequestMatch) => CompiledMatch | null;

interface PolicyRule extends RuleFacts {
  readonly match: CompiledMatch;
  /** The same for paths as `lenientPath` reads them: so are those that the rule names. */
  readonly lenientMatch: CompiledMatch;
  readonly gate: Gate;
}

const NO_ROUTE: ObjectLabel = { group: '', kind: '', name: '' };

/** What is not understood may mean any request that comes to it: it takes them all, and lets none of them in. */
const EVERY_REQUEST: CompiledMatch = { matches: () => true };

/** What the inbound stack does (`stack/stages/inbound/filter.ts`); a rule that asks for anything else is closed. */
const CARRIED_OUT: ReadonlySet<Filter['type']> = new Set(['requestHeaders', 'responseHeaders', 'redirect', 'fail']);

export class CompiledRules implements Rules {
  readonly #rules: readonly PolicyRule[];
  readonly #noRoute: PolicyDecision;

  constructor(source: RulesSource, compileMatch: CompileMatch) {
    this.#rules = source.rules.map((rule) => compileRule(source, rule, compileMatch));
    this.#noRoute = deciding(source.server, NO_ROUTE, null)('no_route', null);
  }

  /**
   * `/public/..%2fadmin` is a path below `/public` to us and may be `/admin` to the application. Whoever asks in such a way must be allowed by both readings: the
   * rule of the path as it is written decides, and the rule of the path as a lenient application reads it may only refuse. Where both are one, which rule it is
   * is remembered with the request, and who asks is judged each time.
   */
  decide(peer: InboundPeer, request: RequestFacts): PolicyDecision {
    const { routeMemo } = request;
    if (routeMemo?.portRules === this) return this.#byRule(peer, routeMemo.portRule);
    const written = pathOf(request.target);
    const rule = this.#find(request, written, false);
    const decision = this.#byRule(peer, rule);
    const read = lenientPath(written);
    if (read === written) {
      if (routeMemo) this.#remember(routeMemo, rule);
      return decision;
    }
    if (!decision.allowed) return decision;
    const again = read === null ? this.#byAll(peer) : this.#byRule(peer, this.#find(request, read, true));
    return again === null || again.allowed ? decision : again;
  }

  #remember(memo: RouteMemo, rule: number): void {
    memo.portRules = this;
    memo.portRule = rule;
  }

  /** The first rule that matches, or `NO_RULE`. */
  #find(request: RequestFacts, path: string, isLenient: boolean): number {
    const { method } = request;
    const rules = this.#rules;
    for (let at = 0; at < rules.length; at++) {
      const rule = rules[at]!;
      const match = isLenient ? rule.lenientMatch : rule.match;
      if (match.matches(method, path, request)) return at;
    }
    return NO_RULE;
  }

  #byRule(peer: InboundPeer, rule: number): PolicyDecision {
    return rule === NO_RULE ? this.#noRoute : authorize(this.#rules[rule]!.gate, peer);
  }

  /** The path can be read in too many ways: the client must be one whom no rule refuses. Returns what refuses it, or `null`. */
  #byAll(peer: InboundPeer): PolicyDecision | null {
    for (const rule of this.#rules) {
      const decision = authorize(rule.gate, peer);
      if (!decision.allowed) return decision;
    }
    return null;
  }

  /**
   * The request of a tunnel is not there any more: the rules of the same route speak for it, for they share their authorizations. Where there are none of them,
   * nobody can say what it would come to, and it is refused.
   */
  decideAgain(peer: InboundPeer, granted: PolicyDecision): PolicyDecision {
    const rule = this.#rules.find(({ meta }) => granted.rule !== null && isSameRoute(meta, granted.rule.meta));
    return rule === undefined ? this.#noRoute : authorize(rule.gate, peer);
  }
}

function compileRule({ server, audit }: RulesSource, source: RuleSource, compileMatch: CompileMatch): PolicyRule {
  const { meta, filters, authorizations } = source;
  const facts = { meta, filters, series: newSeries() };
  const gate = gateOf({ authorizations, audit }, deciding(server, routeLabel(meta), facts));
  const match = compileMatch(source.match);
  const lenient = readLeniently(source.match);
  const lenientMatch = lenient === source.match ? match : compileMatch(lenient);
  const isKnown = source.understood && match !== null && filters.every(({ type }) => CARRIED_OUT.has(type));
  return {
    ...facts,
    match: match ?? EVERY_REQUEST,
    lenientMatch: lenientMatch ?? EVERY_REQUEST,
    gate: isKnown ? gate : { ...gate, closed: gate.decisions.denied.rule_not_understood },
  };
}

/** The match with its paths as `lenientPath` reads them; the same object where that changes nothing. Expressions stay as they are. */
function readLeniently(match: RequestMatch): RequestMatch {
  switch (match.type) {
    case 'all':
    case 'any': {
      const of = match.of.map(readLeniently);
      return of.every((child, at) => child === match.of[at]) ? match : { ...match, of };
    }
    case 'not': {
      const of = readLeniently(match.of);
      return of === match.of ? match : { ...match, of };
    }
    case 'pathExact':
    case 'pathPrefix': {
      const path = lenientPath(match.path) ?? match.path;
      return path === match.path ? match : { ...match, path };
    }
    default:
      return match;
  }
}

function routeLabel({ group, kind, name }: Meta): ObjectLabel {
  return { group, kind, name };
}

function isSameRoute(a: Meta, b: Meta): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.kind === b.kind && a.group === b.group;
}

/** Of a request target. */
function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
