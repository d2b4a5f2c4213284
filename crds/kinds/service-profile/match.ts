import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';

/** The two trees of a ServiceProfile, request match and response match, differ only in their leaves. */
export type MatchTree<L> =
  | L
  | { type: 'all'; of: MatchTree<L>[] }
  | { type: 'any'; of: MatchTree<L>[] }
  | { type: 'not'; of: MatchTree<L> };

/** Reads the leaf fields of one match: none, one or several (which are ANDed). */
export type LeafReader<L> = (match: Fields) => MatchTree<L>[];

export interface MatchGrammar<L> {
  leafFields: readonly string[];
  readLeaves: LeafReader<L>;
}

const OPERATORS = ['all', 'any', 'not'] as const;

/** Matches nothing: an empty disjunction. Stands for what was reported as wrong or void. */
export function matchNothing<L>(): MatchTree<L> {
  return { type: 'any', of: [] };
}

/** A match with all its fields ANDed; one that sets no field is an error (Linkerd: ServiceProfile validator). */
export function parseMatch<L>(match: Fields, grammar: MatchGrammar<L>, depth = 1): MatchTree<L> {
  if (depth > LIMITS.matchDepth) {
    match.problems.error(match.path, `must not be nested deeper than ${LIMITS.matchDepth} levels`);
    return matchNothing();
  }
  match.closed([...grammar.leafFields, ...OPERATORS]);
  const parts = [...grammar.readLeaves(match), ...parseOperators(match, grammar, depth)];
  if (parts.length > 0) return parts.length === 1 ? parts[0]! : { type: 'all', of: parts };
  match.problems.error(match.path, `must set at least one of ${[...grammar.leafFields, ...OPERATORS].join(', ')}`);
  return matchNothing();
}

function parseOperators<L>(match: Fields, grammar: MatchGrammar<L>, depth: number): MatchTree<L>[] {
  const parts: MatchTree<L>[] = [];
  for (const type of ['all', 'any'] as const) {
    if (match.has(type)) parts.push({ type, of: parseChildren(match, type, grammar, depth) });
  }
  if (match.has('not')) parts.push(...parseNot(match, grammar, depth));
  return parts;
}

function parseChildren<L>(match: Fields, key: string, grammar: MatchGrammar<L>, depth: number): MatchTree<L>[] {
  return match.objects(key, LIMITS.matchChildren).map((child) => parseMatch(child, grammar, depth + 1));
}

/** One object (as Linkerd's documentation says) or a list (as its manifest says): then none of the listed matches may hold. */
function parseNot<L>(match: Fields, grammar: MatchGrammar<L>, depth: number): MatchTree<L>[] {
  if (Array.isArray(match.raw('not'))) {
    return parseChildren(match, 'not', grammar, depth).map((of) => ({ type: 'not', of }));
  }
  const child = match.object('not');
  return child === null ? [] : [{ type: 'not', of: parseMatch(child, grammar, depth + 1) }];
}
