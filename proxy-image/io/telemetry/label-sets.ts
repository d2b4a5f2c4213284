import { OVERFLOW_LABELS } from './overflow-labels.ts';

/** What is counted of one label set. */
export interface Counted {
  /** Coarse time of the last recording. */
  lastUsed: number;
}

/**
 * Counters of several label sets, at most `capacity`: what comes beyond shares those of the overflow. For what happens once per connection, so that it may be
 * looked up by its text; what happens per request has a `SeriesTable`.
 */
export class LabelSets<T extends Counted> {
  /** Coarse time. */
  #epoch = 0;
  readonly #make: () => T;
  readonly #capacity: number;
  readonly #byText = new Map<string, T>();
  #overflow: T | null = null;

  constructor(capacity: number, make: () => T) {
    this.#capacity = capacity;
    this.#make = make;
  }

  /** To be recorded into at once. */
  of(text: string): T {
    const counted = this.#byText.get(text) ?? this.#open(text);
    counted.lastUsed = this.#epoch;
    return counted;
  }

  #open(text: string): T {
    if (this.#byText.size >= this.#capacity) {
      this.#overflow ??= this.#make();
      return this.#overflow;
    }
    const counted = this.#make();
    this.#byText.set(text, counted);
    return counted;
  }

  /** It is `epoch` now: drops what was not used since `before`, but what `keep` names. */
  advance(epoch: number, before: number, keep: (counted: T) => boolean = () => false): void {
    this.#epoch = epoch;
    for (const [text, counted] of this.#byText) {
      if (counted.lastUsed < before && !keep(counted)) this.#byText.delete(text);
    }
  }

  *[Symbol.iterator](): Generator<[labels: string, counted: T]> {
    yield* this.#byText;
    if (this.#overflow !== null) yield [OVERFLOW_LABELS, this.#overflow];
  }
}
