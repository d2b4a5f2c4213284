/**
 * Time as an argument. `nowMs` is monotonic (fractions allowed), what decisions use, and never compared between processes; `wallMs` is Unix time, which may jump:
 * only for what people or other processes read.
 */
export interface Clock {
  nowMs(): number;
  wallMs(): number;
}

/** Uniform in [0, 1). */
export type Random = () => number;
