import { NO_GRPC_STATUS } from '../../../contract/policy/grpc-status.ts';
import type { TapEnd, TapEvent, TapRequest } from '../../../contract/tap/events.ts';
import type { ExchangeEnd } from '../../../http/call.ts';
import { type Exchange, NO_RESET } from '../../../http/exchange.ts';
import type { RequestView, ResponseView } from '../../../http/message.ts';
import type { CallObserver } from '../../call/observer.ts';
import { bounded, headersOf, schemeOf } from './heads.ts';
import type { Flow, Side } from './sides.ts';

/** Calls that one who listens is told of at a time: long streams keep their place. What begins beyond them is not told. */
export const MAX_TAPPED_CALLS = 10_000;

/** Whoever listens, as far as calls of one side concern him. */
export interface TapListener {
  readonly headers: boolean;
  /** Names of fields whose values are not told, in lower case, beside those that never are. */
  readonly redacts: ReadonlySet<string>;
  takesDirection(direction: 'inbound' | 'outbound'): boolean;
  takesHead(head: RequestView): boolean;
  takesPeer(direction: 'inbound' | 'outbound', ip: string, labels: Readonly<Record<string, string>>): boolean;
  /** A number for one more that is told of; 0 = it is not to be: it is not drawn, or there are too many of late. */
  admit(): number;
  tell(event: TapEvent): void;
  nowMs(): number;
}

type RequestFacts = Pick<TapRequest, 'version' | 'scheme' | 'method' | 'authority' | 'path' | 'headers'>;

/** A call whose head is wanted. */
interface Tapped {
  /** 0 = nothing has been told of it: where it goes is not known yet. */
  id: number;
  readonly request: RequestFacts;
  /** Of the head of the response; 0 = there was none. */
  respondedMs: number;
  error: string;
}

/** Tells one who listens of the calls of one side. */
export class TapCalls<C extends { readonly exchange: Exchange }> implements CallObserver<C, string> {
  readonly #side: Side<C>;
  readonly #listener: TapListener;
  readonly #calls = new Map<C, Tapped>();

  constructor(side: Side<C>, listener: TapListener) {
    this.#side = side;
    this.#listener = listener;
  }

  requestHead(call: C, head: RequestView): void {
    const listener = this.#listener;
    // The record of a call that ended without a word may be another's now.
    this.#calls.delete(call);
    if (!listener.takesDirection(this.#side.direction) || !listener.takesHead(head)) return;
    if (this.#calls.size >= MAX_TAPPED_CALLS) return;
    const request = {
      version: head.version,
      scheme: schemeOf(head),
      method: bounded(head.method),
      authority: bounded(head.host),
      path: bounded(head.target),
      headers: listener.headers ? headersOf(head, listener.redacts) : [],
    };
    this.#calls.set(call, { id: 0, request, respondedMs: 0, error: '' });
  }

  attemptStart(call: C): void {
    const tapped = this.#calls.get(call);
    if (tapped?.id === 0) this.#tellRequest(call, tapped);
  }

  /** It has gone somewhere, or never will. False: it is not told of. */
  #tellRequest(call: C, tapped: Tapped): boolean {
    const { ip, labels } = this.#side.peer(call);
    const isWanted = this.#listener.takesPeer(this.#side.direction, ip, labels);
    tapped.id = isWanted ? this.#listener.admit() : 0;
    if (tapped.id === 0) {
      this.#calls.delete(call);
      return false;
    }
    this.#listener.tell({ type: 'request', ...this.#flow(call, tapped), ...tapped.request });
    return true;
  }

  #flow(call: C, { id }: Tapped): { id: number } & Flow {
    return { id, ...this.#side.flow(call) };
  }

  responseHead(call: C, head: ResponseView): void {
    const tapped = this.#calls.get(call);
    if (tapped === undefined || tapped.id === 0) return;
    const { headers, redacts } = this.#listener;
    tapped.respondedMs = this.#listener.nowMs();
    this.#tellResponse(call, tapped, headers ? headersOf(head, redacts) : []);
  }

  #tellResponse(call: C, tapped: Tapped, headers: TapRequest['headers']): void {
    const { exchange } = call;
    const latencyUs = micros(tapped.respondedMs - exchange.startedMs);
    const { status } = exchange;
    this.#listener.tell({ type: 'response', ...this.#flow(call, tapped), status, latencyUs, headers });
  }

  firstByte(): void {}
  retryDecided(): void {}

  attemptEnd(call: C, error: string | null): void {
    const tapped = this.#calls.get(call);
    if (tapped !== undefined) tapped.error = error ?? '';
  }

  end(call: C, end: ExchangeEnd): void {
    const tapped = this.#calls.get(call);
    if (tapped === undefined) return;
    if (tapped.id === 0 && !this.#tellRequest(call, tapped)) return;
    this.#calls.delete(call);
    const { exchange } = call;
    if (tapped.respondedMs === 0 && exchange.status !== 0) {
      // The proxy's own answer: it has no head that anybody has sent.
      tapped.respondedMs = exchange.firstByteMs;
      this.#tellResponse(call, tapped, []);
    }
    this.#listener.tell(this.#ended(call, tapped, end));
  }

  #ended(call: C, tapped: Tapped, end: ExchangeEnd): TapEnd {
    const { exchange } = call;
    const nowMs = this.#listener.nowMs();
    const { status, grpcStatus, resetCode, requestBytes, responseBytes } = exchange;
    return {
      type: 'end',
      ...this.#flow(call, tapped),
      durationUs: tapped.respondedMs === 0 ? 0 : micros(nowMs - tapped.respondedMs),
      totalUs: micros(nowMs - exchange.startedMs),
      status,
      grpcStatus: exchange.isGrpc && grpcStatus !== NO_GRPC_STATUS ? grpcStatus : null,
      requestBytes,
      responseBytes,
      end,
      resetCode: resetCode === NO_RESET ? null : resetCode,
      retries: this.#side.retries(call),
      error: tapped.error,
    };
  }
}

export function micros(ms: number): number {
  return Math.max(0, Math.round(ms * 1000));
}
