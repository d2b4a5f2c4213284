import type { Random } from '../../../../lib/clock.ts';
import { readTrafficRequest } from '../../../contract/traffic/check.ts';
import { MAX_AGE_MS, TRAFFIC_VERSION } from '../../../contract/traffic/report.ts';
import type { ProxyState } from '../../../core/state/state.ts';
import type { Timer, TimerOwner, Timers } from '../../transport/types.ts';
import type { ProxyRecorder } from '../proxy-recorder.ts';
import { Growth } from './growth.ts';
import { OutboundCalls } from './outbound-calls.ts';
import type { ReportStream } from './report-stream.ts';
import { ReportWriter } from './report-writer.ts';
import { ReportedSeriesTable } from './reported-series.ts';
import { sourcesOf } from './sources.ts';

export interface ReporterContext {
  recorder: ProxyRecorder;
  timers: Timers;
  random: Random;
  /** Whose inbound ports have Servers. */
  state: Pick<ProxyState, 'inboundPort'>;
  /** `report` brings the byte counts of open connections up to date. */
  stack: { report(): void };
}

/**
 * Tells the operator what passes through this proxy, as often as it asks. What was counted before it asked first is not told. While there is no stream, counts wait
 * for the next.
 */
export class TrafficReporter implements TimerOwner {
  readonly #context: ReporterContext;
  readonly #writer: ReportWriter;
  readonly #calls: OutboundCalls;
  readonly #growths: readonly Growth[];
  readonly #timer: Timer;
  #stream: ReportStream | null = null;
  /** 0 = nobody asks. */
  #everyMs = 0;
  #dueMs = Number.POSITIVE_INFINITY;
  /** When counts were looked at last, and when there was something to tell. */
  #countedMs: number;
  #toldMs = 0;

  constructor(context: ReporterContext) {
    const { recorder, timers, random } = context;
    this.#context = context;
    this.#countedMs = timers.nowMs();
    this.#writer = new ReportWriter(random().toString(36).slice(2) + random().toString(36).slice(2));
    this.#calls = new OutboundCalls(this.#writer, this.#countedMs);
    const reported = new ReportedSeriesTable(this.#writer);
    this.#growths = sourcesOf(recorder, (port) => context.state.inboundPort(port).policy.server).map(
      (source) => new Growth(source, this.#writer, reported),
    );
    this.#timer = timers.create(this);
  }

  /** A message of type `reportTraffic` has come on `stream`. One that cannot be followed changes nothing. */
  asked(message: unknown, stream: ReportStream): void {
    const request = readTrafficRequest(message);
    // Nobody who asks for less would understand it.
    if (request === null || request.version < TRAFFIC_VERSION) return;
    this.#follow(stream);
    this.#setInterval(request.everyMs);
  }

  /** The proxy ends: what has been counted is told now. */
  stop(): void {
    this.#context.timers.clear(this.#timer);
    if (this.#everyMs > 0) this.#report();
    this.#setInterval(0);
  }

  onTimer(): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    // The next stream will ask again.
    if (this.#stream?.isOpen !== true) return;
    this.#report();
    this.#arm(this.#everyMs);
  }

  #follow(stream: ReportStream): void {
    if (stream === this.#stream) return;
    this.#stream = stream;
    const again = this.#writer.connected(Math.min(this.#nowMs - this.#toldMs, MAX_AGE_MS));
    if (again !== null) stream.send(again);
  }

  #setInterval(everyMs: number): void {
    const isNew = this.#everyMs === 0;
    this.#everyMs = everyMs;
    if (everyMs === 0) {
      this.#context.recorder.calls = null;
      this.#context.timers.clear(this.#timer);
      this.#dueMs = Number.POSITIVE_INFINITY;
      return;
    }
    if (isNew) {
      this.#context.recorder.calls = this.#calls;
      this.#count(false);
    }
    // At any time within it, so that the proxies that were asked together do not all report together.
    const firstMs = this.#context.random() * everyMs;
    if (this.#nowMs + firstMs < this.#dueMs) this.#arm(firstMs);
  }

  #arm(delayMs: number): void {
    this.#dueMs = this.#nowMs + delayMs;
    this.#context.timers.set(this.#timer, delayMs);
  }

  #report(): void {
    if (this.#stream?.isOpen !== true) return;
    const overMs = this.#nowMs - this.#countedMs;
    this.#count(true);
    const report = this.#writer.report(Math.min(overMs, MAX_AGE_MS));
    if (report === null) return;
    this.#toldMs = this.#countedMs;
    this.#stream.send(report);
  }

  #count(counts: boolean): void {
    this.#context.stack.report();
    this.#countedMs = this.#nowMs;
    for (const growth of this.#growths) growth.collect(counts);
    this.#calls.advance(this.#countedMs);
  }

  get #nowMs(): number {
    return this.#context.timers.nowMs();
  }
}
