/**
 * The rules as they are run where nobody waits for five minutes. Everything that is a length of time becomes shorter, nothing else changes: expressions, thresholds,
 * labels stay.
 *
 *   [1m] … [1h] windows of rates      →  `window`
 *   for: …                            →  `pending`
 *   > 300 of a staleness in seconds   →  `staleSeconds`: that threshold is a length of time too
 */
import type { Rule, RuleGroup } from './files.ts';

export interface Shorter {
  window: string;
  pending: string;
  staleSeconds: number;
}

export function shortenQuery(expr: string, { window, staleSeconds }: Shorter): string {
  return expr
    .replaceAll(/\[\d+[smhd]\]/g, `[${window}]`)
    .replace(/^(weft_config_staleness_seconds\{[^}]*\}) > 300$/, `$1 > ${staleSeconds}`);
}

export function shortenRules(groups: readonly RuleGroup[], shorter: Shorter): RuleGroup[] {
  return groups.map(({ name, rules }) => ({
    name,
    rules: rules.map((rule): Rule => {
      const expr = shortenQuery(rule.expr, shorter);
      return rule.for === undefined ? { ...rule, expr } : { ...rule, expr, for: shorter.pending };
    }),
  }));
}
