/** How far behind the newest a report may come; as many bits as a number has for operators on bits. */
const REACH = 32;

/**
 * Which reports of a run have been taken, so that one that comes again does not count again, whatever the order (as IPsec keeps replays out, RFC 4303
 * section 3.4.3). A run of another name starts anew.
 */
export class Sequence {
  #run = '';
  #newest = 0;
  /** Bit n: the report `#newest - n` has been taken. */
  #taken = 0;

  /** True when it is to be taken, which is noted. What is too far behind to know counts as taken. */
  take(run: string, seq: number): boolean {
    if (run !== this.#run) {
      this.#run = run;
      this.#newest = 0;
      this.#taken = 0;
    }
    const ahead = seq - this.#newest;
    if (ahead > 0) {
      this.#taken = ahead < REACH ? (this.#taken << ahead) | 1 : 1;
      this.#newest = seq;
      return true;
    }
    const bit = 1 << -ahead;
    if (-ahead >= REACH || (this.#taken & bit) !== 0) return false;
    this.#taken |= bit;
    return true;
  }

  /** The newest of the run: what it says of now holds. */
  isNewest(seq: number): boolean {
    return seq === this.#newest;
  }
}
