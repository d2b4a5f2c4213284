import type { SeriesHolder } from '../../core/series.ts';

/** Index of the series that takes what no longer finds room. */
export const OVERFLOW = 0;

/** Says in its own label that it is a sum of others. */
export const OVERFLOW_LABELS: string = 'weft_overflow="true"';

/**
 * Label sets of a group of families, by index. At most `capacity`: a client that can make up identities, or a pool of thousands of endpoints, must not fill
 * the memory; what comes beyond shares the overflow series. A series unused for ten minutes is evicted (Linkerd: metrics retain idle), its index used again
 * under a new generation, which is how holders notice.
 */
export class SeriesTable {
  readonly generations: Uint32Array;
  /** Epoch (`epoch` at that time) of the last recording, kept by whoever records. */
  readonly lastUsed: Uint32Array;
  /** Coarse time, advanced by `evict`. */
  epoch = 0;
  readonly #texts: (string | null)[] = [OVERFLOW_LABELS];
  readonly #byText = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.generations = new Uint32Array(capacity + 1);
    this.lastUsed = new Uint32Array(capacity + 1);
  }

  get size(): number {
    return this.#byText.size;
  }

  /** One more than the greatest index in use. */
  get end(): number {
    return this.#texts.length;
  }

  /** Label text of a series; `null` = no such series. */
  text(index: number): string | null {
    return this.#texts[index] ?? null;
  }

  /** The series of a label set; `OVERFLOW` when there is no room. */
  resolve(text: string): number {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    if (this.#byText.size >= this.#capacity) return OVERFLOW;
    const index = this.#free.pop() ?? this.#texts.length;
    this.#texts[index] = text;
    this.#byText.set(text, index);
    this.lastUsed[index] = this.epoch;
    return index;
  }

  /** True when what `holder` remembers is still its series. */
  holds(holder: SeriesHolder): boolean {
    return holder.series >= 0 && this.generations[holder.series] === holder.generation;
  }

  bind(holder: SeriesHolder, text: string): number {
    holder.series = this.resolve(text);
    holder.generation = this.generations[holder.series]!;
    return holder.series;
  }

  /** Frees series not used since epoch `before`, but those that `keep` names; returns their indexes. */
  evict(before: number, keep: (index: number) => boolean = () => false): number[] {
    const evicted: number[] = [];
    for (let index = OVERFLOW + 1; index < this.#texts.length; index++) {
      const text = this.#texts[index];
      if (text === null || text === undefined || this.lastUsed[index]! >= before || keep(index)) continue;
      this.#byText.delete(text);
      this.#texts[index] = null;
      this.#free.push(index);
      this.generations[index]!++;
      evicted.push(index);
    }
    // Those that were sent to the overflow may have room now.
    if (evicted.length > 0) this.generations[OVERFLOW]!++;
    return evicted;
  }
}
