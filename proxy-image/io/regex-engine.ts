import { createRequire } from 'node:module';
import type { RegexEngine } from '../core/route/engine.ts';

type Re2js = typeof import('re2js');

/**
 * Loads re2js (RE2 semantics, linear time), 2 MiB that a proxy without such expressions never pays. Synchronous, so that a batch of configuration takes effect
 * as a whole even when it brings the first expression: Bun and the bundled image have `require` at hand, Node makes one.
 */
export function loadRegexEngine(): RegexEngine {
  const { RE2JS }: Re2js = typeof require === 'function' ? require('re2js') : createRequire(import.meta.url)('re2js');
  return {
    compile(expression) {
      const program = RE2JS.compile(expression);
      return { matches: (text) => program.testExact(text) };
    },
  };
}

/** `loadRegexEngine`, once. */
export function lazyRegexEngine(): () => RegexEngine {
  let engine: RegexEngine | null = null;
  return () => {
    engine ??= loadRegexEngine();
    return engine;
  };
}
