/** A token bucket per key: `burst` at once, then one every `intervalMs`. */
export interface RateSettings {
  burst: number;
  intervalMs: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Keys beyond this many forget the one asked longest ago, so that a flood of addresses cannot fill the memory. */
const MAX_KEYS = 20_000;

export class RateLimit {
  private readonly settings: RateSettings;
  private readonly nowMs: () => number;
  private readonly maxKeys: number;
  private readonly buckets = new Map<string, Bucket>();

  constructor(settings: RateSettings, nowMs: () => number, maxKeys = MAX_KEYS) {
    this.settings = settings;
    this.nowMs = nowMs;
    this.maxKeys = maxKeys;
  }

  /** 0 when admitted, else the milliseconds until the next one would be. */
  take(key: string): number {
    const { burst, intervalMs } = this.settings;
    const nowMs = this.nowMs();
    const bucket = this.buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    const tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.atMs) / intervalMs);
    const admitted = tokens >= 1;
    // Delete and set: a Map iterates in order of insertion, so the first key is the one asked longest ago.
    this.buckets.delete(key);
    this.buckets.set(key, { tokens: admitted ? tokens - 1 : tokens, atMs: nowMs });
    this.forgetOldest();
    return admitted ? 0 : Math.ceil((1 - tokens) * intervalMs);
  }

  private forgetOldest(): void {
    for (const key of this.buckets.keys()) {
      if (this.buckets.size <= this.maxKeys) return;
      this.buckets.delete(key);
    }
  }
}
