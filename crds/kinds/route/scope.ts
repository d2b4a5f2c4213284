import type { Fields } from '../../parse/fields.ts';
import type { PatternBudget } from '../../parse/pattern-budget.ts';
import { ProblemList } from '../../parse/problems.ts';

/**
 * What one rule came to while it was read. A rule that has an error, or asks for something that is not supported, is kept and answers 500: left out, its
 * requests would go where a wider rule sends them (Gateway API: a filter must not be skipped). The rest of the route holds.
 */
export class RuleScope {
  readonly problems: ProblemList = new ProblemList();
  readonly #patterns: PatternBudget;
  readonly #unsupported: string[] = [];

  constructor(patterns: PatternBudget) {
    this.#patterns = patterns;
  }

  /** Legal, but not to be had here: not refused by the webhook. */
  unsupported(path: string, message: string): void {
    this.problems.warning(path, `${message}; requests of this rule get 500`);
    this.#unsupported.push(`${path} ${message}`);
  }

  /** A field that a later version of the API may have added: what it would narrow or change is not known. */
  known(fields: Fields, names: readonly string[]): void {
    for (const key of fields.keys()) {
      if (!names.includes(key) && fields.has(key)) this.unsupported(fields.at(key), 'is not a field that is supported');
    }
  }

  /** The text under `key`, which must be an RE2 expression. */
  regex(fields: Fields, key: string): string {
    const text = fields.text(key);
    this.#patterns.check(text, this.problems, fields.at(key));
    return text;
  }

  /** How many there are so far. */
  get errors(): number {
    return this.problems.count - this.#unsupported.length;
  }

  /** Why the rule cannot be carried out; empty = it can. */
  broken(): string[] {
    const errors = this.problems.list().filter(({ severity }) => severity === 'error');
    return [...errors.map(({ path, message }) => `${path} ${message}`), ...this.#unsupported];
  }
}
