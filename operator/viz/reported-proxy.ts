import type { Reporter } from '../../crds/viz/dimensions.ts';
import { TokenBucket } from '../../lib/rate.ts';
import { checkTrafficReport } from '../../proxy-image/contract/traffic/check.ts';
import {
  TRAFFIC_INTERVAL_MS,
  TRAFFIC_VERSION,
  type TrafficRequest,
} from '../../proxy-image/contract/traffic/report.ts';
import type { ReportVerdict, TrafficStream } from './window/traffic-stream.ts';
import type { TrafficWindow } from './window/traffic-window.ts';

/** A proxy on its configuration stream, as the server of the stream knows it; nothing here comes from reports. */
export interface ConnectedProxy {
  /** `namespace/pod`, for the log. */
  readonly name: string;
  /** Whose proxy it is; `null` = the pod has not been seen yet. */
  reporter(): Reporter | null;
  ask(request: TrafficRequest): void;
}

/** What the server of the stream calls. */
export interface ReportReader {
  /** A message of type `traffic`, unchecked. */
  received(message: unknown): void;
  /** Last call: the connection is gone. */
  closed(): void;
}

/**
 * What became of a report; beside the window's verdicts: `refused`, it is none; `newer`, of a version that this side did not ask for; `too_many`, it was not looked at,
 * for reports come faster than any proxy is asked for them; `unknown_pod`, nobody knows yet whose it is.
 */
export const REPORT_OUTCOMES = [
  ...(['taken', 'duplicate', 'late', 'closed'] as const satisfies readonly ReportVerdict[]),
  ...(['refused', 'newer', 'too_many', 'unknown_pod'] as const),
] as const;
export type ReportOutcome = (typeof REPORT_OUTCOMES)[number];

export interface ReportObserver {
  /** `leftOut`: parts of it that were not understood. */
  reported(proxy: ConnectedProxy, outcome: ReportOutcome, leftOut: readonly string[]): void;
}

/** Twice as often as proxies report at most, and what comes together after a pause of the network. */
const REPORT_RATE = { burst: 20, intervalMs: TRAFFIC_INTERVAL_MS.least / 2 };

/** One connection of a proxy: what it was asked for, and its reports on their way into the window. */
export class ReportedProxy implements ReportReader {
  readonly #proxy: ConnectedProxy;
  readonly #window: TrafficWindow;
  readonly #observer: ReportObserver;
  readonly #nowMs: () => number;
  readonly #closed: (proxy: ReportedProxy) => void;
  readonly #rate: TokenBucket;
  #stream: TrafficStream | null = null;
  #askedMs = 0;

  constructor(
    proxy: ConnectedProxy,
    context: {
      window: TrafficWindow;
      observer: ReportObserver;
      nowMs: () => number;
      closed: (proxy: ReportedProxy) => void;
    },
  ) {
    this.#proxy = proxy;
    this.#window = context.window;
    this.#observer = context.observer;
    this.#nowMs = context.nowMs;
    this.#closed = context.closed;
    this.#rate = new TokenBucket(REPORT_RATE, context.nowMs());
  }

  /** Asks for reports at this interval, unless that is what it was asked for, or its pod is not known yet. True when it asked. */
  ask(everyMs: number): boolean {
    if (this.#askedMs === everyMs || this.#opened() === null) return false;
    this.#askedMs = everyMs;
    this.#proxy.ask({ type: 'reportTraffic', version: TRAFFIC_VERSION, everyMs });
    return true;
  }

  received(message: unknown): void {
    const { outcome, leftOut } = this.#take(message);
    this.#observer.reported(this.#proxy, outcome, leftOut);
  }

  closed(): void {
    this.#stream?.close();
    this.#closed(this);
  }

  #take(message: unknown): { outcome: ReportOutcome; leftOut: readonly string[] } {
    const nowMs = this.#nowMs();
    if (!this.#rate.take(nowMs)) return { outcome: 'too_many', leftOut: [] };
    const stream = this.#opened();
    if (stream === null) return { outcome: 'unknown_pod', leftOut: [] };
    const { report, problems } = checkTrafficReport(message);
    if (report === null) return { outcome: problems.length === 0 ? 'newer' : 'refused', leftOut: problems };
    const { verdict, undeclared } = stream.take(report, nowMs);
    return { outcome: verdict, leftOut: undeclared === 0 ? problems : [...problems, `${undeclared} not declared`] };
  }

  #opened(): TrafficStream | null {
    if (this.#stream !== null) return this.#stream;
    const reporter = this.#proxy.reporter();
    this.#stream = reporter === null ? null : this.#window.connected(reporter);
    return this.#stream;
  }
}
