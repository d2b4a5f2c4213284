/** Says which source file a line of a bundle comes from: esbuild names each file in a comment of its own where it begins. */
export class BundleSources {
  /** In order; numbers of lines from 1. */
  readonly #starts: { line: number; source: string }[];

  constructor(bundle: string) {
    this.#starts = bundle.split('\n').flatMap((text, index) => {
      const source = /^\/\/ (\S+\.[jt]s)$/.exec(text)?.[1];
      return source === undefined ? [] : [{ line: index + 1, source }];
    });
  }

  /** `null` before the first file. */
  sourceOf(line: number): string | null {
    return this.#starts.findLast((start) => start.line <= line)?.source ?? null;
  }
}
