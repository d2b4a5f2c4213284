/** A token bucket: `burst` at once, then one every `intervalMs`. */
export interface RateSettings {
  burst: number;
  intervalMs: number;
}

export class TokenBucket {
  readonly #settings: RateSettings;
  #tokens: number;
  #filledMs: number;

  constructor(settings: RateSettings, nowMs: number) {
    this.#settings = settings;
    this.#tokens = settings.burst;
    this.#filledMs = nowMs;
  }

  /** False when nothing is left. */
  take(nowMs: number): boolean {
    const { burst, intervalMs } = this.#settings;
    this.#tokens = Math.min(burst, this.#tokens + (nowMs - this.#filledMs) / intervalMs);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** After `take` said false: time until it would not. */
  get waitMs(): number {
    return Math.ceil((1 - this.#tokens) * this.#settings.intervalMs);
  }
}

/** Keys beyond this many forget the one asked longest ago, so that a flood of addresses cannot fill the memory. */
const MAX_KEYS = 20_000;

/** A token bucket per key. */
export class RateLimit {
  readonly #settings: RateSettings;
  readonly #nowMs: () => number;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(settings: RateSettings, nowMs: () => number, maxKeys = MAX_KEYS) {
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.#maxKeys = maxKeys;
  }

  /** 0 when admitted, else the milliseconds until the next one would be. */
  take(key: string): number {
    const nowMs = this.#nowMs();
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#settings, nowMs);
    // Delete and set: a Map iterates in order of insertion, so the first key is the one asked longest ago.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forgetOldest();
    return bucket.take(nowMs) ? 0 : bucket.waitMs;
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#maxKeys) return;
      this.#buckets.delete(key);
    }
  }
}
