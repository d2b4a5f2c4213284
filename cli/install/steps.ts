import type { Api } from './api.ts';
import type { Waiting } from './wait.ts';

/** What the steps of an installation are done with, and whom they tell. */
export interface Steps extends Waiting {
  api: Api;
  /** Shows what is being done, and whether it was. */
  phase<R>(text: string, work: () => Promise<R>): Promise<R>;
  /** A line that is to be known, and is no failure. */
  note(line: string): void;
}
