import type { RateLimit } from '../../contract/policy/inbound.ts';
import { type SeriesHolder, UNRESOLVED } from '../series.ts';

/** Which of the limits a request went beyond: `scope` of `inbound_http_local_ratelimit_total`. An override is a limit of an identity. */
export type RateLimitScope = 'total' | 'identity';

/**
 * The generic cell rate algorithm: a second's worth of requests may come at once, then one every `intervalMs`. One number is all that is kept: the time at which
 * the bucket would be full again. A bucket whose time has passed is as good as new.
 */
class Bucket {
  #fullAtMs = Number.NEGATIVE_INFINITY;

  has(intervalMs: number, nowMs: number): boolean {
    return Math.max(this.#fullAtMs, nowMs) + intervalMs <= nowMs + BURST_MS + ROUNDING_MS;
  }

  take(intervalMs: number, nowMs: number): void {
    this.#fullAtMs = Math.max(this.#fullAtMs, nowMs) + intervalMs;
  }
}

/** Linkerd allows bursts of one second's worth (governor: Quota::per_second). */
const BURST_MS = 1_000;
/** A hundred times a hundredth of a second is a second and a bit. */
const ROUNDING_MS = 1e-6;
/** Identities that are counted one by one, twice as many at most. Identities come from the network: those beyond share one bucket, so that making up names wins nothing. */
const MAX_IDENTITIES = 4_096;
/** Stands for clients without an identity: they share a bucket (Linkerd). */
const NOBODY = '';

interface Override {
  readonly intervalMs: number;
  readonly bucket: Bucket;
}

/** What one proxy lets through of the requests to one port (Linkerd: HTTPLocalRateLimitPolicy). */
export class RateLimiter {
  readonly limit: RateLimit;
  /** Where the recorder counts what it refuses. */
  readonly refused: Readonly<Record<RateLimitScope, SeriesHolder>> = {
    total: { series: UNRESOLVED, generation: UNRESOLVED },
    identity: { series: UNRESOLVED, generation: UNRESOLVED },
  };
  readonly #totalIntervalMs: number;
  readonly #identityIntervalMs: number;
  readonly #total: Bucket = new Bucket();
  readonly #overrides = new Map<string, Override>();
  /** In two generations: a bucket that was not used for a whole one, which lasts as long as a bucket takes to fill, is full, and may be forgotten. */
  #young = new Map<string, Bucket>();
  #old = new Map<string, Bucket>();
  #turnsAtMs = Number.NEGATIVE_INFINITY;
  readonly #rest: Bucket = new Bucket();
  readonly #maxIdentities: number;

  constructor(limit: RateLimit, maxIdentities: number = MAX_IDENTITIES) {
    this.limit = limit;
    this.#totalIntervalMs = intervalOf(limit.totalPerSecond);
    this.#identityIntervalMs = intervalOf(limit.identityPerSecond);
    this.#maxIdentities = maxIdentities;
    for (const { perSecond, identities } of limit.overrides) {
      const override = { intervalMs: intervalOf(perSecond), bucket: new Bucket() };
      // Of two overrides for one identity the first holds.
      for (const identity of identities) if (!this.#overrides.has(identity)) this.#overrides.set(identity, override);
    }
  }

  /** Counted per identity at present, at most. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /**
   * Counts one request of a client; `identity` null = it has none. Returns what refuses it, or `null`. In order: the total, then what is said about this identity, or
   * about every one. What is refused counts for nothing: a client beyond its own limit does not use up what is there for all.
   */
  take(identity: string | null, nowMs: number): RateLimitScope | null {
    const totalMs = this.#totalIntervalMs;
    if (totalMs > 0 && !this.#total.has(totalMs, nowMs)) return 'total';
    const override = identity === null ? undefined : this.#overrides.get(identity);
    const ownMs = override === undefined ? this.#identityIntervalMs : override.intervalMs;
    if (ownMs > 0) {
      const bucket = override === undefined ? this.#bucketOf(identity ?? NOBODY, nowMs) : override.bucket;
      if (!bucket.has(ownMs, nowMs)) return 'identity';
      bucket.take(ownMs, nowMs);
    }
    if (totalMs > 0) this.#total.take(totalMs, nowMs);
    return null;
  }

  #bucketOf(identity: string, nowMs: number): Bucket {
    if (nowMs >= this.#turnsAtMs) this.#turn(nowMs);
    const young = this.#young.get(identity);
    if (young !== undefined) return young;
    if (this.#young.size >= this.#maxIdentities) return this.#rest;
    const bucket = this.#old.get(identity) ?? new Bucket();
    this.#old.delete(identity);
    this.#young.set(identity, bucket);
    return bucket;
  }

  #turn(nowMs: number): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#turnsAtMs = nowMs + BURST_MS + ROUNDING_MS;
  }
}

function intervalOf(perSecond: number): number {
  return perSecond === 0 ? 0 : 1_000 / perSecond;
}
