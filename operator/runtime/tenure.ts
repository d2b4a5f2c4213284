/** For how long a process leads: what it writes as the leader is bound to it. */
export interface Tenure {
  /** Aborts when this process must not act as the leader any more. */
  readonly signal: AbortSignal;
  /** For so long from now no other process can hold the lease. 0: this one does not hold it, or cannot know. */
  leftMs(): number;
}
