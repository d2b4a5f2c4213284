import type { BodyMeter } from '../../http/body-meter.ts';
import type { SeriesTable } from './series-table.ts';
import type { TextWriter } from './text-writer.ts';

/** Bytes (linkerd2-proxy: http body data metrics). */
const BOUNDS = [128, 1024, 10_240];

/** Of one series. A body of many pieces costs each a comparison or two and two additions. */
class FrameMeter implements BodyMeter {
  readonly counts: number[] = [0, 0, 0, 0];
  sum = 0;
  /** `sum` as it was when somebody last looked. */
  seenSum = 0;

  piece(sizeBytes: number): void {
    this.counts[sizeBytes <= 1024 ? (sizeBytes <= 128 ? 0 : 1) : sizeBytes <= 10_240 ? 2 : 3]! += 1;
    this.sum += sizeBytes;
  }
}

/** A histogram of the sizes of pieces of bodies for each series. */
export class FrameSizes {
  readonly #table: SeriesTable;
  readonly #meters: (FrameMeter | null)[] = [];

  constructor(table: SeriesTable) {
    this.#table = table;
  }

  /** Where the pieces of a body are counted until it ends. */
  of(series: number): BodyMeter {
    const known = this.#meters[series] ?? null;
    if (known !== null) return known;
    while (this.#meters.length < series) this.#meters.push(null);
    const meter = new FrameMeter();
    this.#meters[series] = meter;
    return meter;
  }

  /** Before series are evicted: a stream that goes on for hours is in use, though no request of its series has begun or ended. */
  keepUsed(): void {
    for (const [series, meter] of this.#meters.entries()) {
      if (meter === null || meter.sum === meter.seenSum) continue;
      meter.seenSum = meter.sum;
      this.#table.used(series);
    }
  }

  forget(evicted: readonly number[]): void {
    for (const series of evicted) if (series < this.#meters.length) this.#meters[series] = null;
  }

  write(writer: TextWriter, name: string): void {
    for (const [series, meter] of this.#meters.entries()) {
      const labels = this.#table.text(series);
      if (meter === null || labels === null || meter.counts.every((count) => count === 0)) continue;
      writer.histogram(name, labels, BOUNDS, meter.counts, meter.sum);
    }
  }
}
