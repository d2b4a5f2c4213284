/** What is wrong with the description of an API, and on which line (from 1). */
export interface DescriptionProblem {
  line: number;
  /** One sentence, no trailing period. */
  message: string;
}

/** A description of an API that no profile can be made of. */
export class DescriptionError extends Error {
  readonly problems: readonly DescriptionProblem[];

  constructor(problems: readonly DescriptionProblem[], cause?: unknown) {
    const lines = problems.map(({ line, message }) => `line ${line}: ${message}`);
    super(lines.join('\n'), cause === undefined ? undefined : { cause });
    this.name = 'DescriptionError';
    this.problems = problems;
  }
}
