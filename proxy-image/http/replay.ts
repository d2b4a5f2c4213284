/** Caps of request bodies that are kept for another attempt. */
export interface ReplayLimits {
  /** One request (Linkerd: 64 KiB); what is longer passes unbuffered and is not retried. */
  requestBytes: number;
  /** All requests together: a hundred slow uploads to a retryable route must not be the memory of the proxy. */
  totalBytes: number;
}

export const REPLAY_LIMITS: Readonly<ReplayLimits> = { requestBytes: 64 * 1024, totalBytes: 4 * 1024 * 1024 };

/** Buffers up to this size stay with their exchange from request to request. */
const KEPT_BYTES = 4096;

/** What all replay buffers of the process hold. */
export class ReplayMemory {
  readonly limits: Readonly<ReplayLimits>;
  usedBytes = 0;

  constructor(limits: Readonly<ReplayLimits> = REPLAY_LIMITS) {
    this.limits = limits;
  }
}

/** The request body so far, as it is written to the next hop (framing included). Reused from request to request. */
export class ReplayBuffer {
  readonly #memory: ReplayMemory;
  #bytes: Buffer | null = null;
  length = 0;
  /** The body has outgrown a limit: it was not kept. */
  overflowed = false;

  constructor(memory: ReplayMemory) {
    this.#memory = memory;
  }

  get bytes(): Buffer {
    return this.#bytes ?? EMPTY;
  }

  /** Keeps `bytes[from..to)`. `bounded` false = it must be kept whatever it takes, because it has not been sent anywhere yet. */
  append(bytes: Buffer, from: number, to: number, bounded: boolean): void {
    if (this.overflowed || to === from) return;
    const wanted = this.length + to - from;
    if (bounded && (wanted > this.#memory.limits.requestBytes || this.#exceedsTotal(to - from))) {
      this.clear();
      this.overflowed = true;
      return;
    }
    this.#grow(wanted);
    bytes.copy(this.#bytes!, this.length, from, to);
    this.#memory.usedBytes += to - from;
    this.length = wanted;
  }

  #exceedsTotal(more: number): boolean {
    return this.#memory.usedBytes + more > this.#memory.limits.totalBytes;
  }

  #grow(wanted: number): void {
    const old = this.#bytes;
    if (old !== null && old.length >= wanted) return;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.length, 1024));
    old?.copy(this.#bytes, 0, 0, this.length);
  }

  clear(): void {
    this.#memory.usedBytes -= this.length;
    this.length = 0;
    this.overflowed = false;
    if (this.#bytes !== null && this.#bytes.length > KEPT_BYTES) this.#bytes = null;
  }
}

const EMPTY = Buffer.alloc(0);
