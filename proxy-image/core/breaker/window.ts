/** Linkerd's number (linkerd2-proxy: success-rate breaker). */
const BUCKETS = 10;

/** Successes and requests of the last `windowMs`, to a tenth of it. */
export class SuccessWindow {
  readonly windowMs: number;
  readonly #requests = new Uint32Array(BUCKETS);
  readonly #successes = new Uint32Array(BUCKETS);
  #requestSum = 0;
  #successSum = 0;
  /** Number of the bucket under way, counted from time 0. */
  #current: number;

  constructor(windowMs: number, nowMs: number) {
    this.windowMs = windowMs;
    this.#current = this.#bucketOf(nowMs);
  }

  add(isSuccess: boolean, nowMs: number): void {
    this.#advance(nowMs);
    const index = this.#current % BUCKETS;
    this.#requests[index] = this.#requests[index]! + 1;
    this.#requestSum++;
    if (!isSuccess) return;
    this.#successes[index] = this.#successes[index]! + 1;
    this.#successSum++;
  }

  /** Whether so many requests were made that the rate means something, and it is below the threshold. */
  isBelow(threshold: number, minRequests: number, nowMs: number): boolean {
    this.#advance(nowMs);
    return this.#requestSum >= Math.max(minRequests, 1) && this.#successSum < threshold * this.#requestSum;
  }

  clear(): void {
    this.#requests.fill(0);
    this.#successes.fill(0);
    this.#requestSum = 0;
    this.#successSum = 0;
  }

  #bucketOf(nowMs: number): number {
    return Math.max(0, Math.floor((nowMs * BUCKETS) / this.windowMs));
  }

  #advance(nowMs: number): void {
    const bucket = this.#bucketOf(nowMs);
    // After a whole window all are empty: no need to go round more often. A clock that is read out of order moves nothing.
    if (bucket - this.#current >= BUCKETS) this.clear();
    else for (let passed = this.#current + 1; passed <= bucket; passed++) this.#empty(passed % BUCKETS);
    this.#current = Math.max(this.#current, bucket);
  }

  #empty(index: number): void {
    this.#requestSum -= this.#requests[index]!;
    this.#successSum -= this.#successes[index]!;
    this.#requests[index] = 0;
    this.#successes[index] = 0;
  }
}
