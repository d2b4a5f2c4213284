import type { TurnBudget, Waiting } from './turn-budget.ts';

/** A connection that reads, and writes what waited, within the budget of each turn. Its transport says how it is read and told. */
export abstract class PacedConnection implements Waiting {
  bulkBytes = 0;
  bytesWritten = 0;
  isOpen = true;
  readonly #budget: TurnBudget;
  /** Its handler wants no bytes. */
  #paused = false;
  /** Not read before its turn comes. */
  #parked = false;
  /** Writable, which its handler hears when its turn comes. */
  #drainable = false;

  constructor(budget: TurnBudget) {
    this.#budget = budget;
  }

  protected abstract stopReading(): void;
  protected abstract startReading(): void;
  /** Calls `onDrain`. Does not throw. */
  protected abstract tellDrained(): void;

  protected get paused(): boolean {
    return this.#paused || this.#parked;
  }

  pause(): void {
    this.#paused = true;
    if (!this.#parked) this.stopReading();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#parked) this.startReading();
  }

  /** A chunk has been handled. */
  protected hasRead(bytes: number): void {
    if (!this.#budget.read(bytes, this)) return;
    this.bulkBytes = bytes;
    if (!this.#budget.exhausted || this.paused || !this.isOpen) return;
    this.stopReading();
    this.#parked = true;
    if (!this.#drainable) this.#budget.wait(this);
  }

  /** The kernel takes bytes again. */
  protected canWrite(): void {
    if (!this.#budget.exhausted) this.#drain();
    else if (!this.#drainable) {
      this.#drainable = true;
      if (!this.#parked) this.#budget.wait(this);
    }
  }

  #drain(): void {
    const before = this.bytesWritten;
    this.tellDrained();
    this.#budget.wrote(this.bytesWritten - before, this);
  }

  proceed(): void {
    const wasParked = this.#parked;
    const wasDrainable = this.#drainable;
    this.#parked = false;
    this.#drainable = false;
    if (!this.isOpen) return;
    if (wasParked && !this.#paused) this.startReading();
    if (wasDrainable) this.#drain();
  }
}
