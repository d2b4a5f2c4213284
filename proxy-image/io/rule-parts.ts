import { createRequire } from 'node:module';
import type { RuleParts } from '../core/state/parse/load-rule-parts.ts';

/** Synchronous, so that a batch of configuration takes effect as a whole even when it brings the first rule (see `loadRegexEngine`). */
export function loadRuleParts(): RuleParts {
  return typeof require === 'function'
    ? require('../core/state/parse/rule-parts.ts')
    : createRequire(import.meta.url)('../core/state/parse/rule-parts.ts');
}
