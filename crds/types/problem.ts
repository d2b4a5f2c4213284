/** One thing wrong (or doubtful) with a user's object. `path` is the field path as the API server writes it: `spec.routes[0].condition.pathRegex`. */
export interface Problem {
  severity: 'error' | 'warning';
  path: string;
  /** What is wrong and what was expected, one sentence, no trailing period. */
  message: string;
}

/** What an object comes to: `model` is null where it cannot be used. */
export interface Usable<M> {
  model: M | null;
  /**
   * For an object that cannot be used and keeps clients out: what holds while no earlier state of it is known, never laxer than any reading of it.
   * As if it were absent would let in whom it was made to keep out.
   */
  strictest?: M;
}

/**
 * A parse never throws: `model` is null exactly when some problem is an error. Routes are the exception: their rules are judged one by one, and the model
 * holds those that are wrong too (`RouteRule.broken`).
 */
export interface Parsed<M> extends Usable<M> {
  problems: Problem[];
}
