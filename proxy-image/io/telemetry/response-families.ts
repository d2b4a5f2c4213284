import { Children } from './children.ts';
import { type Column, codes } from './column.ts';
import { Histograms } from './histogram.ts';
import { joinLabels } from './labels.ts';
import { OVERFLOW, type SeriesTable } from './series-table.ts';
import type { TextWriter } from './text-writer.ts';

/** An outcome code is a sum: status (0..999), success or failure, `grpc_status` (none, 0..16), error label (none, or one of at most 13). */
export const FAILURE = 1000;
export const GRPC = 2000;
const ERROR = 18 * GRPC;
const NONE = -1;

export interface CountedResponses {
  readonly table: SeriesTable;
  readonly outcomes: Children;
  readonly counts: Float64Array;
  readonly statuses: Children | null;
  readonly latencies: Histograms;
}

/**
 * `request_total`, `response_total` and (unless `latency` is false) `response_latency_ms` over the series of one table; also `route_*` and
 * `route_actual_*`. A recording is array arithmetic: the outcome that a series had last is remembered beside it.
 */
export class ResponseFamilies {
  readonly #table: SeriesTable;
  readonly #errors: readonly string[];
  readonly #requests: Column;
  readonly #responses: Children;
  #responseCounts = new Float64Array(64);
  readonly #latencies: Children | null;
  readonly #histograms = new Histograms();
  readonly #lastCode: Column<Int32Array>;
  readonly #lastResponse: Column<Int32Array>;
  readonly #lastStatus: Column<Int32Array>;
  readonly #lastLatency: Column<Int32Array>;

  constructor(table: SeriesTable, capacity: number, options: { errors: readonly string[]; latency: boolean }) {
    this.#table = table;
    this.#errors = options.errors;
    this.#requests = table.counts();
    this.#lastCode = table.column(codes, 1, NONE);
    this.#lastResponse = table.column(codes);
    this.#lastStatus = table.column(codes, 1, NONE);
    this.#lastLatency = table.column(codes);
    this.#responses = new Children(table, capacity, (index) => this.#openResponse(index));
    this.#latencies = options.latency ? new Children(table, capacity, (index) => this.#histograms.open(index)) : null;
  }

  #openResponse(index: number): void {
    if (index >= this.#responseCounts.length) {
      const larger = new Float64Array(this.#responseCounts.length * 2);
      larger.set(this.#responseCounts);
      this.#responseCounts = larger;
    }
    this.#responseCounts[index] = 0;
  }

  request(series: number): void {
    this.#requests.values[series]!++;
    this.#table.used(series);
  }

  /** `status` 0 = none; `grpcStatus` -1 = none; `error` is an index into the errors of this family, or -1. */
  response(
    series: number,
    status: number,
    grpcStatus: number,
    failure: boolean,
    error: number,
    latencyMs: number,
  ): void {
    const code = status + (failure ? FAILURE : 0) + (grpcStatus + 1) * GRPC + (error + 1) * ERROR;
    if (this.#lastCode.values[series] !== code) {
      this.#lastResponse.values[series] = this.#responses.resolve(series, code);
      this.#lastCode.values[series] = code;
    }
    this.#responseCounts[this.#lastResponse.values[series]!]!++;
    this.#table.used(series);
    if (this.#latencies !== null && status !== 0) this.#latency(this.#latencies, series, status, latencyMs);
  }

  #latency(latencies: Children, series: number, status: number, latencyMs: number): void {
    if (this.#lastStatus.values[series] !== status) {
      this.#lastLatency.values[series] = latencies.resolve(series, status);
      this.#lastStatus.values[series] = status;
    }
    this.#histograms.record(this.#lastLatency.values[series]!, latencyMs);
  }

  forget(evicted: readonly number[]): void {
    if (evicted.length === 0) return;
    const series = new Set(evicted);
    this.#responses.forget(series);
    this.#latencies?.forget(series);
    for (const index of evicted) this.#requests.values[index] = 0;
    // Every remembered outcome: one that was sent to the overflow may have room now.
    this.#lastCode.values.fill(NONE);
    this.#lastStatus.values.fill(NONE);
  }

  /** As it stands: outcomes with the code of each and, by its index, how often it was; statuses with a histogram each, by its index. */
  get counted(): CountedResponses {
    return {
      table: this.#table,
      outcomes: this.#responses,
      counts: this.#responseCounts,
      statuses: this.#latencies,
      latencies: this.#histograms,
    };
  }

  writeRequests(writer: TextWriter, name: string): void {
    for (let series = OVERFLOW; series < this.#table.end; series++) {
      const labels = this.#table.text(series);
      const count = this.#requests.values[series]!;
      if (labels !== null && count > 0) writer.sample(name, labels, count);
    }
  }

  writeResponses(writer: TextWriter, name: string): void {
    for (const { series, code, index } of this.#responses) {
      writer.sample(
        name,
        joinLabels(this.#table.text(series) ?? '', this.#outcome(code)),
        this.#responseCounts[index]!,
      );
    }
    const overflow = this.#responseCounts[OVERFLOW]!;
    if (overflow > 0) writer.sample(name, `${this.#table.text(OVERFLOW)}`, overflow);
  }

  writeLatencies(writer: TextWriter, name: string): void {
    for (const { series, code, index } of this.#latencies ?? []) {
      const labels = joinLabels(this.#table.text(series) ?? '', `status_code="${code}"`);
      this.#histograms.write(writer, name, labels, index);
    }
  }

  #outcome(code: number): string {
    const status = code % FAILURE;
    const grpc = Math.floor((code % ERROR) / GRPC);
    const error = Math.floor(code / ERROR);
    let labels = `classification="${code % GRPC >= FAILURE ? 'failure' : 'success'}"`;
    if (status !== 0) labels += `,status_code="${status}"`;
    if (grpc !== 0) labels += `,grpc_status="${grpc - 1}"`;
    return error === 0 ? labels : `${labels},error="${this.#errors[error - 1]}"`;
  }
}
