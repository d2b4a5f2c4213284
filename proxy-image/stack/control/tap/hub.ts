import type { RecoveryReason } from '../../../core/retry/recover.ts';
import type { ExchangeEnd } from '../../../http/call.ts';
import type { RequestView, ResponseView } from '../../../http/message.ts';
import type { CallObserver } from '../../call/observer.ts';
import type { ObservedStream, StreamObserver, StreamWatch } from '../../shared/live.ts';
import type { ControlHost } from '../host/host.ts';
import type { Tap } from './tap.ts';

/** All who listen to the calls of one side. */
class TapsOf<C> implements CallObserver<C, string> {
  readonly #taps: ReadonlySet<Tap>;
  readonly #calls: (tap: Tap) => CallObserver<C, string>;

  constructor(taps: ReadonlySet<Tap>, calls: (tap: Tap) => CallObserver<C, string>) {
    this.#taps = taps;
    this.#calls = calls;
  }

  requestHead(call: C, head: RequestView): void {
    for (const tap of this.#taps) this.#calls(tap).requestHead(call, head);
  }

  attemptStart(call: C): void {
    for (const tap of this.#taps) this.#calls(tap).attemptStart(call);
  }

  responseHead(call: C, head: ResponseView): void {
    for (const tap of this.#taps) this.#calls(tap).responseHead(call, head);
  }

  firstByte(): void {}

  attemptEnd(call: C, error: string | null, endMs: number): void {
    for (const tap of this.#taps) this.#calls(tap).attemptEnd(call, error, endMs);
  }

  retryDecided(_: C, __: RecoveryReason): void {}

  end(call: C, end: ExchangeEnd): void {
    for (const tap of this.#taps) this.#calls(tap).end(call, end);
  }
}

/** Who listens to a proxy at this time. While nobody does, it has no place in the stack. */
export class TapHub implements StreamObserver {
  readonly #host: ControlHost;
  readonly #taps = new Set<Tap>();

  /** That of `host`; another one where nobody listens. */
  static of(host: ControlHost): TapHub {
    const { streams } = host.context.live;
    return streams instanceof TapHub ? streams : new TapHub(host);
  }

  private constructor(host: ControlHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#taps.size;
  }

  add(tap: Tap): void {
    this.#taps.add(tap);
    if (this.#taps.size > 1) return;
    const { outbound, inbound, context } = this.#host;
    outbound.late = new TapsOf(this.#taps, (one) => one.outbound);
    inbound.late = new TapsOf(this.#taps, (one) => one.inbound);
    context.live.streams = this;
  }

  remove(tap: Tap): void {
    this.#taps.delete(tap);
    if (this.#taps.size > 0) return;
    const { outbound, inbound, context } = this.#host;
    outbound.late = null;
    inbound.late = null;
    context.live.streams = null;
  }

  opened(stream: ObservedStream): StreamWatch | null {
    const watches: StreamWatch[] = [];
    for (const { streams } of this.#taps) {
      const watch = streams?.opened(stream) ?? null;
      if (watch !== null) watches.push(watch);
    }
    if (watches.length === 0) return null;
    return {
      closed: (error) => {
        for (const watch of watches) watch.closed(error);
      },
    };
  }
}
