/** What is wrong with the description of an API, and on which line (from 1). */
export interface DescriptionProblem {
  line: number;
  /** One sentence, no trailing period. */
  message: string;
}

/** A description of an API that no profile can be made of. */
export class DescriptionError extends Error {
  readonly problems: readonly DescriptionProblem[];

  /** They are told in the order of the lines, each once: what is wrong with a server is met at every operation. */
  constructor(problems: readonly DescriptionProblem[], cause?: unknown) {
    const told = new Map(problems.map((problem) => [`line ${problem.line}: ${problem.message}`, problem]));
    super([...told.keys()].join('\n'), cause === undefined ? undefined : { cause });
    this.name = 'DescriptionError';
    this.problems = [...told.values()].toSorted((a, b) => a.line - b.line);
  }
}
