import { Budget } from './budget.ts';
import type { Http2Context } from './limits.ts';

/** Useful work of a stream pays for frames that move nothing. */
const EARNED_PER_STREAM = 4;
/** Half of a peer's streams may be reset without counting. */
const RESETS_EARNED_PER_STREAM = 0.5;

export interface BudgetOwner {
  /** The peer spends more of this side's time than it may. */
  calm(): void;
}

/** How much work a peer may make that brings nothing: frames that move nothing, and streams that are reset. */
export class PeerBudget {
  /** Frames that move nothing. */
  readonly overhead: Budget;
  readonly #resets: Budget;
  readonly #owner: BudgetOwner;

  constructor({ timers, limits }: Http2Context, owner: BudgetOwner) {
    this.overhead = new Budget(timers, limits.overheadBurst, limits.overheadPerSecond);
    this.#resets = new Budget(timers, limits.resetBurst, limits.resetsPerSecond);
    this.#owner = owner;
  }

  /** A stream was opened. */
  opened(): void {
    this.#resets.earn(RESETS_EARNED_PER_STREAM);
    this.overhead.earn(EARNED_PER_STREAM);
  }

  /** A frame that moves nothing. */
  spend(tokens: number): void {
    if (!this.overhead.spend(tokens)) this.#owner.calm();
  }

  spendReset(): void {
    if (!this.#resets.spend(1)) this.#owner.calm();
  }
}
