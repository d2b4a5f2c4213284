import type { RetryBudget } from '../../contract/resources.ts';

/** Slots of the sliding window (tower `TpsBudget`, which Linkerd uses: ten). */
const SLOTS = 10;

/**
 * Retry budget with the arithmetic of tower's `TpsBudget`: requests deposit, retries withdraw, both expire after `ttlMs`; the reserve of
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

  #expire(nowMs: number): void {
    let elapsedMs = nowMs - this.#slotStartMs;
    if (elapsedMs < this.#slotMs) return;
    this.#store(this.#index, this.#current);
    this.#current = 0;
    this.#index = (this.#index + 1) % SLOTS;
    // Slots that passed without any call hold nothing. After a whole window all are empty: no need to go round more often.
    for (let passed = 0; elapsedMs > this.#slotMs && passed < SLOTS; passed++) {
      this.#store(this.#index, 0);
      elapsedMs -= this.#slotMs;
      this.#index = (this.#index + 1) % SLOTS;
    }
    this.#slotStartMs = nowMs;
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
  if (single <= 1) return [1, Math.trunc(Math.fround(1 / single))];
  return [1000, Math.trunc(Math.fround(1000 / single))];
}
