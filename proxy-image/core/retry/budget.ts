import type { RetryBudget } from '../../contract/policy/retry.ts';

/** Slots of the sliding window (tower `TpsBudget`, which Linkerd uses: ten). */
const SLOTS = 10;

/**
 * Retry budget with the amounts of tower's `TpsBudget`: requests deposit, retries withdraw, both expire after `ttlMs`; the reserve of
 * `minRetriesPerSecond` x ttl is a floor that is always there, not a bucket that refills. One per service and proxy; survives updates of the
 * service that leave the three parameters alone.
 */
export class TpsBudget {
  readonly parameters: RetryBudget;
  readonly #depositAmount: number;
  readonly #withdrawAmount: number;
  readonly #reserve: number;
  readonly #slotMs: number;
  readonly #slots = new Array<number>(SLOTS).fill(0);
  #slotSum = 0;
  /** Deposits minus withdrawals of the slot under way; it enters `#slots` when the slot ends. */
  #current = 0;
  #index = 0;
  #slotStartMs: number;

  constructor(parameters: RetryBudget, nowMs: number) {
    const { ratio, minRetriesPerSecond, ttlMs } = parameters;
    this.parameters = parameters;
    const [deposit, withdraw] = amounts(ratio);
    this.#depositAmount = deposit;
    this.#withdrawAmount = withdraw;
    this.#reserve = minRetriesPerSecond * Math.floor(ttlMs / 1000) * withdraw;
    this.#slotMs = ttlMs / SLOTS;
    this.#slotStartMs = nowMs;
  }

  /** A request ended without needing a retry. */
  deposit(nowMs: number): void {
    this.#expire(nowMs);
    this.#current += this.#depositAmount;
  }

  /** Takes the price of one retry; false = the budget does not allow it (count it as `skipped="no_budget"`). */
  withdraw(nowMs: number): boolean {
    if (this.balance(nowMs) < this.#withdrawAmount) return false;
    this.#current -= this.#withdrawAmount;
    return true;
  }

  balance(nowMs: number): number {
    this.#expire(nowMs);
    return this.#slotSum + this.#current + this.#reserve;
  }

  /**
   * Moves on by the whole slots that have passed. What was counted in a slot leaves the sum when the slot of the same index ends, 10 to 11 slots later:
   * never before `ttlMs`, so that no window of that length sees more than the reserve and the deposits pay for. (Tower moves on by one slot too many
   * whenever it is a moment late, which halves the window of a busy budget.)
   */
  #expire(nowMs: number): void {
    const passed = Math.floor((nowMs - this.#slotStartMs) / this.#slotMs);
    if (passed < 1) return;
    this.#store(this.#index, this.#current);
    this.#current = 0;
    // Slots that passed without any call hold nothing. After a whole window all are empty: no need to go round more often.
    const empty = Math.min(passed - 1, SLOTS);
    for (let step = 1; step <= empty; step++) this.#store((this.#index + step) % SLOTS, 0);
    this.#index = (this.#index + passed) % SLOTS;
    this.#slotStartMs += passed * this.#slotMs;
  }

  #store(index: number, value: number): void {
    this.#slotSum += value - this.#slots[index]!;
    this.#slots[index] = value;
  }
}

/** Deposit and withdrawal amounts; single precision as the ratio is a `float` in the resource and in tower. */
function amounts(ratio: number): [deposit: number, withdraw: number] {
  const single = Math.fround(ratio);
  if (single === 0) return [0, 1];
  // A ratio next to nothing must not make the price infinite, which the reserve would multiply by zero.
  if (single <= 1) return [1, Math.min(Math.trunc(Math.fround(1 / single)), 2 ** 31)];
  return [1000, Math.trunc(Math.fround(1000 / single))];
}
