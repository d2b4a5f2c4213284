/** Two monotonic clocks drift apart by no more than this, so that an old measure does not hold for ever. */
const DRIFT_MS_PER_SECOND = 0.5;

/**
 * The monotonic clock of another process, as far as it can be told from when its messages come: none arrives before it was sent, so that the one that was under way for the
 * shortest time tells most. A message that was held up tells nothing.
 */
export class PeerClock {
  #offsetMs: number | null = null;
  #notedAtMs = 0;

  /** A message that was sent at `sentMs` by its clock has come at `receivedMs` by ours. */
  note(sentMs: number, receivedMs: number): void {
    const offsetMs = receivedMs - sentMs;
    const driftMs = ((receivedMs - this.#notedAtMs) / 1_000) * DRIFT_MS_PER_SECOND;
    this.#offsetMs = this.#offsetMs === null ? offsetMs : Math.min(offsetMs, this.#offsetMs + driftMs);
    this.#notedAtMs = receivedMs;
  }

  toOurs(theirMs: number): number {
    return theirMs + (this.#offsetMs ?? 0);
  }

  toTheirs(ourMs: number): number {
    return ourMs - (this.#offsetMs ?? 0);
  }
}
