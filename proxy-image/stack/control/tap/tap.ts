import { TokenBucket } from '../../../../lib/rate.ts';
import type { TapEvent } from '../../../contract/tap/events.ts';
import type { TapQuestion } from '../../../contract/tap/question.ts';
import type { Rng } from '../../../core/rng.ts';
import type { RequestView } from '../../../http/message.ts';
import type { Timers } from '../../../io/transport/types.ts';
import type { InboundCall } from '../../call/inbound-call.ts';
import type { OutboundCall } from '../../call/outbound-call.ts';
import type { ControlAnswers } from '../host/answers.ts';
import { TapCalls, type TapListener } from './calls.ts';
import { TapFilter } from './filter.ts';
import { TapQueue } from './queue.ts';
import { INBOUND, OUTBOUND } from './sides.ts';
import { TapStreams } from './streams.ts';

/** What is not of the question. */
export interface TapSurroundings {
  readonly timers: Timers;
  readonly rng: Rng;
  /** `null`: whoever owns the pod does not want it, from now on. */
  redacts(): readonly string[] | null;
}

const NONE: readonly string[] = [];

/** One who listens, and what he is told. */
export class Tap implements TapListener {
  readonly outbound: TapCalls<OutboundCall>;
  readonly inbound: TapCalls<InboundCall>;
  /** `null`: what is wanted is said of requests only. */
  readonly streams: TapStreams | null;
  readonly headers: boolean;
  readonly #filter: TapFilter;
  readonly #answers: ControlAnswers;
  readonly #queue: TapQueue;
  readonly #around: TapSurroundings;
  readonly #rate: TokenBucket;
  #redacted: { readonly names: readonly string[]; readonly set: ReadonlySet<string> } = { names: NONE, set: new Set() };
  #last = 0;

  constructor(question: TapQuestion, answers: ControlAnswers, around: TapSurroundings) {
    const { maxRps, headers } = question;
    this.headers = headers;
    this.#filter = new TapFilter(question);
    this.#answers = answers;
    this.#around = around;
    this.#queue = new TapQueue(answers, around.timers);
    this.#rate = new TokenBucket({ burst: maxRps, intervalMs: 1000 / maxRps }, around.timers.nowMs());
    this.outbound = new TapCalls(OUTBOUND, this);
    this.inbound = new TapCalls(INBOUND, this);
    this.streams = this.#filter.takesStreams ? new TapStreams(this) : null;
  }

  get redacts(): ReadonlySet<string> {
    const names = this.#around.redacts() ?? NONE;
    if (this.#redacted.names !== names) this.#redacted = { names, set: new Set(names) };
    return this.#redacted.set;
  }

  takesDirection(direction: 'inbound' | 'outbound'): boolean {
    return this.#filter.takesDirection(direction);
  }

  takesHead(head: RequestView): boolean {
    return this.#filter.takesHead(head);
  }

  takesPeer(direction: 'inbound' | 'outbound', ip: string, labels: Readonly<Record<string, string>>): boolean {
    return this.#filter.takesPeer(direction, ip, labels);
  }

  admit(): number {
    const { timers, rng } = this.#around;
    if (!this.#filter.drawn(rng) || !this.#rate.take(timers.nowMs())) return 0;
    this.#last++;
    return this.#last;
  }

  tell(event: TapEvent): void {
    if (this.#around.redacts() === null) this.#answers.refuse('disabled');
    else this.#queue.push(event);
  }

  nowMs(): number {
    return this.#around.timers.nowMs();
  }

  drained(): void {
    this.#queue.flush();
  }

  closed(): void {
    this.#queue.stop();
  }
}
