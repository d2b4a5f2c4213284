import { type Ends, endedOf, perSecond, successRateOf } from '../../../crds/viz/rates.ts';
import { BUCKETS, COUNTER, COUNTERS, FIRST_BUCKET } from '../../../proxy-image/contract/traffic/counters.ts';
import { quantile } from './quantile.ts';

/** Number of proxies that have counted something, and milliseconds that they have told of, all together. */
const PROXIES = COUNTERS;
const COVERED_MS = COUNTERS + 1;
export const SUM_NUMBERS: number = COUNTERS + 2;

/**
 * What a number of series has counted in a time, by the counters of the contract (`open`: now). Whole numbers below 2^53, so that sums of sums are exact and
 * the same in whatever order.
 */
export class TrafficSum {
  readonly numbers: Float64Array;

  constructor(numbers = new Float64Array(SUM_NUMBERS)) {
    this.numbers = numbers;
  }

  add(other: TrafficSum): void {
    for (let at = 0; at < SUM_NUMBERS; at++) this.numbers[at]! += other.numbers[at]!;
  }

  /** One proxy more has counted, and has told of so many milliseconds of the time that was asked for. */
  addProxy(coveredMs: number): void {
    this.numbers[PROXIES]! += 1;
    this.numbers[COVERED_MS]! += coveredMs;
  }

  count(counter: keyof typeof COUNTER): number {
    return this.numbers[COUNTER[counter]]!;
  }

  get proxies(): number {
    return this.numbers[PROXIES]!;
  }

  /** Seconds that the counts are of: the mean of what the proxies have told of; 0: nothing has counted. */
  get seconds(): number {
    return this.proxies === 0 ? 0 : this.numbers[COVERED_MS]! / this.proxies / 1000;
  }

  /** Requests (attempts) that have ended. */
  get ended(): number {
    return endedOf(this.#ends);
  }

  /** Share of those that have ended, 0 to 1; `null`: none has. */
  get successRate(): number | null {
    return successRateOf(this.#ends);
  }

  /** A second; `null`: nothing has counted. */
  get requestRate(): number | null {
    return perSecond(this.ended, this.seconds);
  }

  get readBytesRate(): number | null {
    return perSecond(this.count('readBytes'), this.seconds);
  }

  get writtenBytesRate(): number | null {
    return perSecond(this.count('writtenBytes'), this.seconds);
  }

  /** Milliseconds below which so great a share of the responses stayed; `null`: there was none. */
  latencyMs(share: number): number | null {
    return quantile(this.numbers.subarray(FIRST_BUCKET, FIRST_BUCKET + BUCKETS), share);
  }

  get #ends(): Ends {
    return {
      success: this.count('success'),
      failure: this.count('failure'),
      timedOut: this.count('timedOut'),
      unanswered: this.count('unanswered'),
    };
  }
}
