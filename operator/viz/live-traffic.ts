import { TRAFFIC_INTERVAL_MS } from '../../proxy-image/contract/traffic/report.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { LiveNumbers } from './live.ts';
import { type ConnectedProxy, ReportedProxy, type ReportObserver, type ReportReader } from './reported-proxy.ts';
import type { Group, TrafficQuery } from './window/query.ts';
import { TrafficWindow, type WindowFigures } from './window/traffic-window.ts';

/** How long proxies report every second after somebody has looked: who watches asks again before that, who has gone costs no more. */
export const LOOK_MS = 30_000;
const TICK_MS = 1_000;
/** Each proxy is swept in so many ticks: as often as it usually reports. */
const SWEEP_TICKS = 10;
/** Asking takes some 40 µs each, for encryption and system call: proxies must not wait for one another to be asked. */
const ASKS_PER_TURN = 250;

export interface LiveTrafficOptions {
  clock: Clock;
  observer: ReportObserver;
  window?: TrafficWindow;
}

/** Role `viz`: asks the proxies that connect for reports, and keeps them in the window. */
export class LiveTraffic implements LiveNumbers {
  readonly name = 'live numbers';
  readonly #clock: Clock;
  readonly #observer: ReportObserver;
  readonly #window: TrafficWindow;
  readonly #proxies = new Set<ReportedProxy>();
  /** Proxies that are still to be asked for another interval. */
  #unasked = new Set<ReportedProxy>();
  #watchedUntilMs = Number.NEGATIVE_INFINITY;
  #everyMs: number = TRAFFIC_INTERVAL_MS.usual;
  #tick: Timer | null = null;
  #turn: Timer | null = null;

  constructor({ clock, observer, window = new TrafficWindow() }: LiveTrafficOptions) {
    this.#clock = clock;
    this.#observer = observer;
    this.#window = window;
  }

  async start(): Promise<void> {
    this.#tick = this.#clock.schedule(TICK_MS, () => this.#passTime());
  }

  /** Somebody looks. */
  get watched(): boolean {
    return this.#clock.nowMs() < this.#watchedUntilMs;
  }

  query(query: TrafficQuery): Group[] {
    return this.#window.query(query, this.#clock.nowMs());
  }

  look(): void {
    this.#watchedUntilMs = this.#clock.nowMs() + LOOK_MS;
    this.#askEvery(TRAFFIC_INTERVAL_MS.watched);
  }

  figures(): WindowFigures {
    return this.#window.figures();
  }

  /** A proxy has connected, and is asked at once if its pod is known, else as soon as it is. */
  connected(proxy: ConnectedProxy): ReportReader {
    const reported = new ReportedProxy(proxy, {
      window: this.#window,
      observer: this.#observer,
      nowMs: () => this.#clock.nowMs(),
      closed: (gone) => {
        this.#proxies.delete(gone);
        this.#unasked.delete(gone);
      },
    });
    this.#proxies.add(reported);
    reported.ask(this.#everyMs);
    return reported;
  }

  /** Time passes no more. Proxies report until their connections end. */
  async stop(): Promise<void> {
    this.#tick?.cancel();
    this.#turn?.cancel();
  }

  #passTime(): void {
    this.#tick = this.#clock.schedule(TICK_MS, () => this.#passTime());
    this.#window.sweep(this.#clock.nowMs(), Math.ceil(this.#window.figures().proxies / SWEEP_TICKS));
    if (!this.watched) this.#askEvery(TRAFFIC_INTERVAL_MS.usual);
    // Those whose pods were not known when they came.
    if (this.#turn === null) this.#ask(new Set(this.#proxies));
  }

  #askEvery(everyMs: number): void {
    if (this.#everyMs === everyMs) return;
    this.#everyMs = everyMs;
    this.#turn?.cancel();
    this.#ask(new Set(this.#proxies));
  }

  /** Those of `proxies` that report at another interval. */
  #ask(proxies: Set<ReportedProxy>): void {
    this.#unasked = proxies;
    this.#turn = null;
    let left = ASKS_PER_TURN;
    for (const proxy of proxies) {
      proxies.delete(proxy);
      if (proxy.ask(this.#everyMs)) left -= 1;
      if (left > 0) continue;
      this.#turn = this.#clock.schedule(0, () => this.#ask(proxies));
      return;
    }
  }
}
