/** One record of TLS, and more than most heads: what comes in smaller pieces is never made to wait. */
const BULK_BYTES = 16 * 1024;
/** Through a pair of proxies a MiB costs 1.5 ms of CPU: so little a handshake waits behind bulk, however many streams there are. */
const TURN_BYTES = 2 * 1024 * 1024;

/** A connection whose bulk waits for a later turn. */
export interface Waiting {
  /** What it read when it last had its turn. */
  readonly bulkBytes: number;
  /** Its turn has come. Does not throw. */
  proceed(): void;
}

/**
 * Bounds what one turn of the event loop moves in bulk: hundreds of streams, each with half a MiB to be read, would put seconds between two steps of a
 * handshake. Connections beyond the budget wait in one queue, which is served in order at the end of each turn; handshakes, heads and small messages
 * find a loop that comes round every few milliseconds. Within the budget it costs an addition.
 */
export class TurnBudget {
  readonly #atEndOfTurn: (run: () => void) => void;
  readonly #onTurn = (): void => this.#turn();
  readonly #queue: Waiting[] = [];
  #first = 0;
  #spentBytes = 0;
  /** Who has read and who has written last, in this turn or in one that nobody shared with them; `#shared`: others too. */
  #reader: Waiting | null = null;
  #writer: Waiting | null = null;
  #shared = false;
  #scheduled = false;

  constructor(atEndOfTurn: (run: () => void) => void) {
    this.#atEndOfTurn = atEndOfTurn;
  }

  /** Whether more bulk has to wait: the turn's share is used up, or others were here before. One stream alone keeps nobody waiting. */
  get exhausted(): boolean {
    return (this.#shared && this.#spentBytes >= TURN_BYTES) || this.#first < this.#queue.length;
  }

  /** Bytes that `reader` has read in one event. True: they were bulk. */
  read(bytes: number, reader: Waiting): boolean {
    if (bytes < BULK_BYTES) return false;
    this.#noteShared(this.#reader, reader);
    this.#reader = reader;
    this.#spend(bytes);
    return true;
  }

  /** Bytes that `writer` has written when it could. */
  wrote(bytes: number, writer: Waiting): void {
    if (bytes < BULK_BYTES) return;
    this.#noteShared(this.#writer, writer);
    this.#writer = writer;
    this.#spend(bytes);
  }

  #noteShared(before: Waiting | null, now: Waiting): void {
    this.#shared ||= before !== null && before !== now;
  }

  /**
   * Of one stream alone only the last bytes count, should another come in the same turn: to hear of the end of each turn would make the loop look for bytes
   * before there are many (P9: a tenth of the CPU).
   */
  #spend(bytes: number): void {
    if (!this.#shared) {
      this.#spentBytes = bytes;
      return;
    }
    this.#spentBytes += bytes;
    this.#schedule();
  }

  /** Until `proceed`; not again before that. */
  wait(connection: Waiting): void {
    this.#queue.push(connection);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#atEndOfTurn(this.#onTurn);
  }

  /** What proceeds now is read in the turn that begins, or written at once. */
  #turn(): void {
    this.#scheduled = false;
    this.#spentBytes = 0;
    this.#reader = null;
    this.#writer = null;
    this.#shared = false;
    const queue = this.#queue;
    let expectedBytes = 0;
    while (this.#first < queue.length && expectedBytes + this.#spentBytes < TURN_BYTES) {
      const connection = queue[this.#first++]!;
      expectedBytes += connection.bulkBytes;
      connection.proceed();
    }
    // Those that have had their turn are let go of when they are half of it: each is moved once.
    if (this.#first * 2 >= queue.length) {
      queue.splice(0, this.#first);
      this.#first = 0;
    }
    if (queue.length > 0) this.#schedule();
  }
}
