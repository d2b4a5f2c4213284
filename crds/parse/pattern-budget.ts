import { parsePathRegex } from '../scalars/path-regex.ts';
import { MAX_PATTERN_COST } from './limits.ts';
import type { ProblemList } from './problems.ts';

/** What the patterns of one object have cost together so far: to check one more is refused where that is `MAX_PATTERN_COST` already. */
export class PatternBudget {
  #spent = 0;

  /** Says in `problems` what is wrong with a text that should be an RE2 expression. */
  check(text: string, problems: ProblemList, path: string): void {
    if (this.#spent > MAX_PATTERN_COST) {
      problems.error(path, 'is not checked: the patterns before it are too complex together');
      return;
    }
    const result = parsePathRegex(text);
    if (result.ok) this.#spent += result.value.cost;
    else problems.error(path, result.problem);
  }
}
