export const NOT_REMEMBERED = 0;
/** Ended in both directions. */
export const ENDED = 1;
export const RESET_BY_PEER = 2;
export const RESET_BY_US = 3;
export type Closure = typeof ENDED | typeof RESET_BY_PEER | typeof RESET_BY_US;

/** As many as may be open at once, so that what was in flight to any of them finds it. Power of two. */
const REMEMBERED = 256;

/** How the last streams ended: what may still arrive for one that was reset is a mistake for one that had ended. */
export class ClosedStreams {
  readonly #ids = new Int32Array(REMEMBERED);
  readonly #closures = new Uint8Array(REMEMBERED);
  #next = 0;

  add(id: number, closure: Closure): void {
    this.#ids[this.#next] = id;
    this.#closures[this.#next] = closure;
    this.#next = (this.#next + 1) & (REMEMBERED - 1);
  }

  find(id: number): number {
    const index = this.#ids.lastIndexOf(id);
    return index === -1 ? NOT_REMEMBERED : this.#closures[index]!;
  }
}
