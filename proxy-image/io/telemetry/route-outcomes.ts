import { NO_GRPC_STATUS, UNKNOWN } from '../../contract/policy/grpc-status.ts';
import { Children } from './children.ts';
import { Counters } from './counters.ts';
import { FrameSizes } from './frame-sizes.ts';
import { Histograms } from './histogram.ts';
import { joinLabels } from './labels.ts';
import { OVERFLOW, SeriesTable } from './series-table.ts';
import type { TextWriter } from './text-writer.ts';

const NO_STATUS = -1;

/**
 * The status that its kind of route counts by, -1 = none. A gRPC call that ended without one is UNKNOWN to its client.
 * @param status 0 = no response
 */
export function statusOf(isGrpc: boolean, status: number, grpcStatus: number): number {
  if (!isGrpc) return status === 0 ? NO_STATUS : status;
  return grpcStatus === NO_GRPC_STATUS ? UNKNOWN : grpcStatus;
}

/** As a label has it. */
export function statusText(status: number): string {
  return status === NO_STATUS ? '' : String(status);
}

/** Counts by series and outcome; what an outcome's number means, and its labels, is its owner's. */
class Statuses {
  readonly #table: SeriesTable;
  readonly #children: Children;
  readonly #counts: number[] = [];
  readonly #labelsOf: (code: number) => string;

  constructor(table: SeriesTable, capacity: number, labelsOf: (code: number) => string) {
    this.#table = table;
    this.#labelsOf = labelsOf;
    this.#children = new Children(table, capacity, (index) => {
      this.#counts[index] = 0;
    });
  }

  add(series: number, code: number): void {
    this.#counts[this.#children.resolve(series, code)]!++;
    this.#table.used(series);
  }

  forget(evicted: readonly number[]): void {
    this.#children.forget(new Set(evicted));
  }

  write(writer: TextWriter, name: string): void {
    for (const { series, code, index } of this.#children) {
      writer.sample(name, joinLabels(this.#table.text(series) ?? '', this.#labelsOf(code)), this.#counts[index]!);
    }
    const overflow = this.#counts[OVERFLOW]!;
    if (overflow > 0) writer.sample(name, this.#table.text(OVERFLOW) ?? '', overflow);
  }
}

/** A histogram for each series. */
export class Durations {
  readonly #table: SeriesTable;
  readonly #histograms: Histograms;
  #opened = 0;

  /** `bounds`: seconds. */
  constructor(table: SeriesTable, bounds: readonly number[]) {
    this.#table = table;
    this.#histograms = new Histograms(bounds);
  }

  record(series: number, ms: number): void {
    while (this.#opened <= series) this.#histograms.open(this.#opened++);
    this.#histograms.record(series, ms / 1_000);
  }

  forget(evicted: readonly number[]): void {
    for (const series of evicted) if (series < this.#opened) this.#histograms.open(series);
  }

  write(writer: TextWriter, name: string): void {
    for (let series = OVERFLOW; series < this.#opened; series++) {
      const labels = this.#table.text(series);
      if (labels !== null && this.#histograms.countOf(series) > 0) this.#histograms.write(writer, name, labels, series);
    }
  }
}

/** Requests of routes, or attempts of theirs: how many, what became of them, and how long they took. */
export class RouteOutcomes {
  readonly table: SeriesTable;
  readonly requests: Counters;
  readonly statuses: Statuses;
  readonly #durations: Durations[] = [];
  readonly #frames: FrameSizes[] = [];

  /** `labelsOf`: of the number of an outcome, which is below 2^19. */
  constructor(capacity: number, labelsOf: (code: number) => string) {
    this.table = new SeriesTable(capacity);
    this.requests = new Counters(this.table);
    this.statuses = new Statuses(this.table, capacity, labelsOf);
  }

  /** `bounds`: seconds. */
  durations(bounds: readonly number[]): Durations {
    const durations = new Durations(this.table, bounds);
    this.#durations.push(durations);
    return durations;
  }

  frames(): FrameSizes {
    const frames = new FrameSizes(this.table);
    this.#frames.push(frames);
    return frames;
  }

  /** See `ProxyRecorder.evictIdle`. */
  advance(epoch: number, before: number): void {
    this.table.epoch = epoch;
    for (const frames of this.#frames) frames.keepUsed();
    const evicted = this.table.evict(before);
    if (evicted.length === 0) return;
    this.requests.forget(evicted);
    this.statuses.forget(evicted);
    for (const each of [...this.#durations, ...this.#frames]) each.forget(evicted);
  }
}
