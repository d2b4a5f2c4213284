import type { TapEvent } from '../../../contract/tap/events.ts';
import type { Timer, TimerOwner, Timers } from '../../../io/transport/types.ts';
import type { ControlAnswers } from '../host/answers.ts';

/** Octets that wait for one who listens: some thousand events. What is older goes when there are more. */
export const MAX_QUEUED_BYTES: number = 256 * 1024;
/** Who has taken nothing for so long does not listen any more. */
const STALL_MS = 10_000;

/** Events are told together: each record of TLS costs a proxy as much as several events. */
const FLUSH_MS = 20;

/** What is still to be told to one who listens. The traffic never waits for it: the oldest is dropped, and how much that was is told. */
export class TapQueue implements TimerOwner {
  readonly #answers: ControlAnswers;
  readonly #timers: Timers;
  readonly #timer: Timer;
  readonly #events: string[] = [];
  #queuedBytes = 0;
  #missed = 0;
  #flushing = false;
  #stalledSinceMs = 0;

  constructor(answers: ControlAnswers, timers: Timers) {
    this.#answers = answers;
    this.#timers = timers;
    this.#timer = timers.create(this);
  }

  push(event: TapEvent): void {
    const text = JSON.stringify(event);
    this.#events.push(text);
    this.#queuedBytes += text.length;
    while (this.#queuedBytes > MAX_QUEUED_BYTES) {
      this.#queuedBytes -= this.#events.shift()!.length;
      this.#missed++;
    }
    if (this.#flushing) return;
    this.#flushing = true;
    this.#timers.set(this.#timer, FLUSH_MS);
  }

  onTimer(): void {
    this.flush();
  }

  stop(): void {
    this.#timers.clear(this.#timer);
  }

  flush(): void {
    this.#flushing = false;
    if (this.#events.length === 0 && this.#missed === 0) return;
    if (this.#answers.pendingBytes > 0) {
      this.#stalled();
      return;
    }
    this.#stalledSinceMs = 0;
    if (this.#missed > 0) this.#tellMissed();
    const texts = this.#events.splice(0);
    this.#queuedBytes = 0;
    this.#answers.tellTexts(texts);
  }

  #tellMissed(): void {
    const event: TapEvent = { type: 'missed', events: this.#missed };
    this.#missed = 0;
    this.#events.unshift(JSON.stringify(event));
  }

  #stalled(): void {
    const nowMs = this.#timers.nowMs();
    if (this.#stalledSinceMs === 0) this.#stalledSinceMs = nowMs;
    else if (nowMs - this.#stalledSinceMs > STALL_MS) this.#answers.abort();
  }
}
