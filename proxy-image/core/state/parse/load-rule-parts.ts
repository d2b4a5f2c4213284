export type RuleParts = typeof import('./rule-parts.ts');

/** Loads what rules and limits of inbound ports need; called when a body has some. */
export type LoadRuleParts = () => RuleParts;
