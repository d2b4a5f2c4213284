import { COUNTER, FIRST_BUCKET } from '../../../contract/traffic/counters.ts';
import { OVERFLOW_SERIES, type SeriesLabels } from '../../../contract/traffic/labels.ts';
import { LATENCY_BUCKETS_MS } from '../../../contract/traffic/latency-buckets.ts';
import { MAX_SERIES } from '../../../contract/traffic/report.ts';
import type { CallRecorder, EndedCall } from '../recorder.ts';
import type { ReportWriter } from './report-writer.ts';
import { attemptLabels, requestLabels } from './series-labels.ts';

/** A series that nothing was counted in for so long gives its number back (Linkerd: metrics retain idle). */
const IDLE_MS = 10 * 60_000;
/** With so many series the pods of a workload are not told apart any more: routes times pods must not use up all there are. */
const PODS_APART: number = MAX_SERIES / 2;

interface Series {
  readonly number: number;
  usedMs: number;
  closed: boolean;
}

/** What the calls of one route, or its attempts at one endpoint, are counted by: a slot for each backend. */
interface Slot {
  readonly backend: EndedCall['backend'];
  /** What discovery said of the endpoint when its labels were made. */
  facts: object | null;
  series: Series;
  readonly next: Slot | null;
}

type Slots = WeakMap<object, Slot>;

/**
 * Requests of the application, each once, and their attempts, by route, backend and peer: the recorder has the one only for profiles and routes of the Gateway API, the
 * other by endpoint alone. Counted here while reports are asked for; each costs a look-up by the objects of the configuration that it went by.
 */
export class OutboundCalls implements CallRecorder {
  readonly #writer: ReportWriter;
  readonly #byKey = new Map<string, Series>();
  /** By route, or by endpoint for what is no Service. Objects of the configuration come and go; what is remembered goes with them. */
  readonly #requests: Slots = new WeakMap();
  /** By endpoint, then by route. */
  readonly #attempts = new WeakMap<object, Slots>();
  /** What found no room, by the number of the series that it counts in. */
  #together: (Series | undefined)[] = [];
  #nowMs: number;

  constructor(writer: ReportWriter, nowMs: number) {
    this.#writer = writer;
    this.#nowMs = nowMs;
  }

  attempted(call: EndedCall, failure: boolean, latencyMs: number): void {
    const endpoint = call.endpoint!;
    let slots = this.#attempts.get(endpoint);
    if (slots === undefined) {
      slots = new WeakMap();
      this.#attempts.set(endpoint, slots);
    }
    const slot = this.#slotOf(slots, call.route, call, attemptLabels);
    if (slot.facts !== endpoint.facts) this.#renew(slot, call, attemptLabels);
    this.#count(slot.series, call, failure, latencyMs);
  }

  ended(call: EndedCall, failure: boolean, latencyMs: number): void {
    const holder = call.entry === null ? (call.endpoint ?? call.route) : call.route;
    const { series } = this.#slotOf(this.#requests, holder, call, requestLabels);
    if (call.retries > 0) this.#writer.count(series.number, COUNTER.retries, call.retries);
    this.#count(series, call, failure, latencyMs);
  }

  /** Time goes on: what has not been used for long is closed. */
  advance(nowMs: number): void {
    this.#nowMs = nowMs;
    const before = this.#byKey.size;
    for (const [key, series] of this.#byKey) {
      if (nowMs - series.usedMs < IDLE_MS) continue;
      series.closed = true;
      this.#byKey.delete(key);
      this.#writer.close(series.number);
    }
    if (this.#byKey.size === before) return;
    // There may be room now.
    for (const series of this.#together) if (series !== undefined) series.closed = true;
    this.#together = [];
  }

  #count(series: Series, { error }: EndedCall, failure: boolean, latencyMs: number): void {
    const writer = this.#writer;
    const { number } = series;
    series.usedMs = this.#nowMs;
    if (error === null) {
      writer.count(number, failure ? COUNTER.failure : COUNTER.success, 1);
      writer.count(number, FIRST_BUCKET + bucketOf(latencyMs), 1);
    } else writer.count(number, error === 'response timeout' ? COUNTER.timedOut : COUNTER.unanswered, 1);
  }

  #slotOf(slots: Slots, holder: object, call: EndedCall, labelsOf: LabelsOf): Slot {
    const first = slots.get(holder) ?? null;
    let slot = first;
    while (slot !== null && slot.backend !== call.backend) slot = slot.next;
    if (slot === null) {
      const { backend } = call;
      slot = { backend, facts: null, series: this.#resolve(call, labelsOf), next: first };
      slots.set(holder, slot);
    } else if (slot.series.closed) this.#renew(slot, call, labelsOf);
    return slot;
  }

  #renew(slot: Slot, call: EndedCall, labelsOf: LabelsOf): void {
    slot.series = this.#resolve(call, labelsOf);
    slot.facts = call.endpoint?.facts ?? null;
  }

  #resolve(call: EndedCall, labelsOf: LabelsOf): Series {
    const labels = labelsOf(call, this.#byKey.size < PODS_APART);
    const key = JSON.stringify(labels);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const series: Series = { number: this.#writer.open(labels), usedMs: this.#nowMs, closed: false };
    if (series.number >= OVERFLOW_SERIES.length) {
      this.#byKey.set(key, series);
      return series;
    }
    const together = this.#together[series.number] ?? series;
    this.#together[series.number] = together;
    return together;
  }
}

type LabelsOf = (call: EndedCall, podsApart: boolean) => SeriesLabels;

function bucketOf(latencyMs: number): number {
  let bucket = 0;
  while (bucket < LATENCY_BUCKETS_MS.length && latencyMs > LATENCY_BUCKETS_MS[bucket]!) bucket++;
  return bucket;
}
