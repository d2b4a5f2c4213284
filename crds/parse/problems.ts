import type { Problem } from '../types/problem.ts';

/** A status condition holds 32 KiB of text; nobody reads further. */
const MAX_PROBLEMS = 100;

/** Collects what is wrong with one object. Beyond `MAX_PROBLEMS` it only counts, so that hostile input cannot fill memory. */
export class ProblemList {
  readonly #problems: Problem[] = [];
  #omitted = 0;
  #failed = false;

  error(path: string, message: string): void {
    this.add({ severity: 'error', path, message });
  }

  warning(path: string, message: string): void {
    this.add({ severity: 'warning', path, message });
  }

  add(problem: Problem): void {
    if (problem.severity === 'error') this.#failed = true;
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
    else this.#omitted += 1;
  }

  /** Whether some problem is an error. */
  get failed(): boolean {
    return this.#failed;
  }

  /** How many there are; to tell whether a part of an object added any. */
  get count(): number {
    return this.#problems.length + this.#omitted;
  }

  list(): Problem[] {
    if (this.#omitted === 0) return this.#problems;
    const severity = this.#failed ? 'error' : 'warning';
    return [...this.#problems, { severity, path: '', message: `${this.#omitted} further problems are left out` }];
  }

  /** Adds those of a part that was read by itself. */
  take(part: ProblemList): void {
    for (const problem of part.#problems) this.add(problem);
    this.#omitted += part.#omitted;
    this.#failed ||= part.#failed;
  }
}
