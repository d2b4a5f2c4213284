/** One thing wrong (or doubtful) with a user's object. `path` is the field path as the API server writes it: `spec.routes[0].condition.pathRegex`. */
export interface Problem {
  severity: 'error' | 'warning';
  path: string;
  /** What is wrong and what was expected, one sentence, no trailing period. */
  message: string;
}

/** A parse never throws: `model` is null exactly when some problem is an error. */
export interface Parsed<M> {
  model: M | null;
  problems: Problem[];
}
