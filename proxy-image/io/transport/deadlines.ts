import type { Timer, TimerKind, TimerOwner, Timers } from './types.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** One timer, and when it is due by the clock of its kind. */
class Lane {
  readonly #timers: Timers;
  readonly #timer: Timer;
  #armedMs = NEVER;

  constructor(timers: Timers, owner: TimerOwner, kind: TimerKind) {
    this.#timers = timers;
    this.#timer = timers.create(owner, kind);
  }

  /** At the latest at `atMs`, which is `delayMs` from now. */
  arm(atMs: number, delayMs: number): void {
    if (atMs >= this.#armedMs) return;
    this.#armedMs = atMs;
    this.#timers.set(this.#timer, delayMs);
  }

  /** What is set from now on arms the timer by itself, whatever becomes of it. */
  disarmed(): void {
    this.#armedMs = NEVER;
  }

  clear(): void {
    this.#armedMs = NEVER;
    this.#timers.clear(this.#timer);
  }
}

/** Several deadlines on one timer for our own and one for those on peers (`TimerKind`), told apart by small numbers. */
export class Deadlines {
  readonly #timers: Timers;
  readonly #owner: TimerOwner;
  readonly #firstPeer: number;
  /** By `nowMs` or `awakeMs`. */
  readonly #atMs: Float64Array;
  #own: Lane | null = null;
  #peer: Lane | null = null;

  /** Kinds are 0 to `kinds` - 1; those from `firstPeer` on are about a peer. */
  constructor(timers: Timers, owner: TimerOwner, kinds: number, firstPeer: number = kinds) {
    this.#timers = timers;
    this.#owner = owner;
    this.#firstPeer = firstPeer;
    this.#atMs = new Float64Array(kinds).fill(NEVER);
  }

  isSet(kind: number): boolean {
    return this.#atMs[kind] !== NEVER;
  }

  set(kind: number, delayMs: number): void {
    if (kind < this.#firstPeer) {
      this.#own ??= new Lane(this.#timers, this.#owner, 'own');
      this.#set(this.#own, kind, this.#timers.nowMs(), delayMs);
    } else {
      this.#peer ??= new Lane(this.#timers, this.#owner, 'peer');
      this.#set(this.#peer, kind, this.#timers.awakeMs(), delayMs);
    }
  }

  #set(lane: Lane, kind: number, nowMs: number, delayMs: number): void {
    this.#atMs[kind] = nowMs + delayMs;
    lane.arm(nowMs + delayMs, delayMs);
  }

  /** The timer is left as it is: it finds nothing due. */
  clear(kind: number): void {
    this.#atMs[kind] = NEVER;
  }

  clearAll(): void {
    this.#atMs.fill(NEVER);
    this.#own?.clear();
    this.#peer?.clear();
  }

  /** On the timer: a deadline that has passed, which is cleared, or -1 once there is none; then the timers are armed for the next. */
  takeDue(): number {
    const due = this.#dueOf(this.#own, 0, this.#firstPeer, this.#timers.nowMs());
    return due === -1 ? this.#dueOf(this.#peer, this.#firstPeer, this.#atMs.length, this.#timers.awakeMs()) : due;
  }

  #dueOf(lane: Lane | null, from: number, to: number, nowMs: number): number {
    if (lane === null) return -1;
    lane.disarmed();
    let nextMs = NEVER;
    for (let kind = from; kind < to; kind++) {
      const atMs = this.#atMs[kind]!;
      if (atMs <= nowMs) {
        this.#atMs[kind] = NEVER;
        return kind;
      }
      nextMs = Math.min(nextMs, atMs);
    }
    if (nextMs !== NEVER) lane.arm(nextMs, nextMs - nowMs);
    return -1;
  }
}
