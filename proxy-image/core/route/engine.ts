/**
 * The linear-time engine for user-written expressions (RE2 syntax), injected so that this folder stays pure and the engine is loaded by
 * the first expression that needs it (2 MiB). Never `RegExp`: it backtracks.
 */
export interface RegexProgram {
  /** True when the *whole* of `text` matches. */
  matches(text: string): boolean;
}

export interface RegexEngine {
  /** Throws on an expression that is not valid RE2 syntax. */
  compile(expression: string): RegexProgram;
}

/** Called at most once, by the first expression that is more than literals and simple runs. */
export type LoadRegexEngine = () => RegexEngine;
