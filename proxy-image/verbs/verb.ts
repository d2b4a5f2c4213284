/** How a verb was called. */
export interface Invocation {
  name: string;
  /** What follows the name. */
  args: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
}

/** Resolves when the process may end with status 0. */
export type Verb = (invocation: Invocation) => Promise<void>;
