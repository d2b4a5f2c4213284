/**
 * Time as an argument. `nowMs` is monotonic (fractions allowed) and is what decisions use; `wallMs` is Unix time and only for what people read.
 */
export interface Clock {
  nowMs(): number;
  wallMs(): number;
}
