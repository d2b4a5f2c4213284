/**
 * The rules as they are run where nobody waits for five minutes. Everything that is a length of time becomes shorter, nothing else changes: expressions, thresholds,
 * labels stay.
 *
 *   [1m] … [15m]              windows, and offsets  →  `window`
 *   [30m], [1h]                                     →  `longWindow`
 *   for: …                                          →  `pending`
 *   > 300 of a staleness in seconds                 →  `staleSeconds`: that threshold is a length of time too
 */
import type { Rule, RuleGroup } from './files.ts';

export interface Shorter {
  window: string;
  longWindow: string;
  pending: string;
  staleSeconds: number;
}

const LONG_MINUTES = 30;

export function shortenQuery(expr: string, { window, longWindow, staleSeconds }: Shorter): string {
  const shorter = (amount: string, unit: string): string =>
    unit === 'h' || Number(amount) >= LONG_MINUTES ? longWindow : window;
  return expr
    .replaceAll(/\[(\d+)([mh])\]/g, (_, amount: string, unit: string) => `[${shorter(amount, unit)}]`)
    .replaceAll(/\boffset (\d+)([mh])\b/g, (_, amount: string, unit: string) => `offset ${shorter(amount, unit)}`)
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
