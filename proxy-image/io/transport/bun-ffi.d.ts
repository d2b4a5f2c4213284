/** The part of Bun's foreign function interface that `bun-socket-option.ts` uses. */
declare module 'bun:ffi' {
  export function dlopen(
    library: string,
    symbols: Record<string, { args: readonly string[]; returns: string }>,
  ): { symbols: Record<string, (...values: unknown[]) => number> };
}
