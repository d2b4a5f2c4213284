import { AwakeClock, LOOK_MS, type LoopLag } from './awake-clock.ts';
import type { Timer, TimerKind, TimerOwner, Timers } from './types.ts';

/** 10 ms: a timeout of 500 ms is at most 2 % late, and a busy proxy wakes at most a hundred times a second for all its timers together. */
const RESOLUTION_MS = 10;
/** One turn of the wheel is about five seconds, longer than most idle limits; longer delays stay for several turns. Power of two. */
const SLOTS = 512;
const LOOK_TICKS = LOOK_MS / RESOLUTION_MS;
const UNARMED = Number.POSITIVE_INFINITY;

/** Member of a slot's ring. A slot is a ring with a sentinel, so that unlinking needs no slot. */
class Entry implements Timer {
  readonly owner: TimerOwner;
  readonly isPeer: boolean;
  /** By the awake clock where it is about a peer. */
  deadlineMs = UNARMED;
  /** Tick at which the wheel looks at it again, not after the deadline's; -1 = in no slot. */
  tick = -1;
  next: Entry = this;
  previous: Entry = this;

  constructor(owner: TimerOwner, isPeer: boolean) {
    this.owner = owner;
    this.isPeer = isPeer;
  }

  unlink(): void {
    this.next.previous = this.previous;
    this.previous.next = this.next;
    this.next = this;
    this.previous = this;
    this.tick = -1;
  }
}

const NOBODY: TimerOwner = { onTimer: () => {} };

/** A timer of the runtime, opaque. */
export type Sleep = ReturnType<typeof setTimeout> | number;

/** The runtime's clock and event loop. */
export interface Loop {
  nowMs(): number;
  /** Runs it after so many milliseconds, at least one. */
  sleep(run: () => void, delayMs: number): Sleep;
  /** It is not run. */
  cancel(sleep: Sleep): void;
  /** Runs it when the sockets have been asked once more, and what they had to say has been handled. */
  afterPoll(run: () => void): void;
}

const RUNTIME: Loop = {
  nowMs: () => performance.now(),
  sleep: (run, delayMs) => setTimeout(run, delayMs),
  cancel: (sleep) => clearTimeout(sleep),
  // Node polls before an immediate, Bun before the timer after it.
  afterPoll: (run) => {
    setImmediate(() => setTimeout(run, 1));
  },
};

/**
 * A timer wheel. Arming, clearing and arming anew cost a few assignments; arming for later than before costs one, because the wheel sorts it out when
 * it comes to the entry's old slot. The runtime's own timer runs only while something is in the wheel, and sleeps until the next slot that holds
 * anything, or LOOK_MS while a deadline on a peer runs.
 *
 * Where it comes late, nothing fires before the sockets have been asked once more, and deadlines on peers get back what was lost (`AwakeClock`).
 */
export class TimerWheel implements Timers {
  readonly resolutionMs: number = RESOLUTION_MS;
  readonly #slots: Entry[] = Array.from({ length: SLOTS }, () => new Entry(NOBODY, false));
  readonly #loop: Loop;
  readonly #awake = new AwakeClock();
  #size = 0;
  /** Of these, deadlines on peers. */
  #peers = 0;
  /** Last tick that was handled. */
  #tick = 0;
  #wakeTick = UNARMED;
  #sleep: Sleep | null = null;
  /** Ring of the slot that is being handled: a handler may unlink any entry of it. */
  readonly #due = new Entry(NOBODY, false);
  /** From a wake until its slots are handled nothing is scheduled: the next wake is found once, at the end. */
  #handling = false;
  /** Tick of a wake that came late. */
  #lateTick = 0;
  readonly #onWake = (): void => this.#wake();
  readonly #onLateWake = (): void => this.#handle(this.#lateTick);
  #held = false;
  /** Somebody has looked since it is held, and it was `#heldMs`. With NaN for "nobody" compiled code did not last (hack/adr/0007-cost-of-a-request.md). */
  #looked = false;
  #heldMs = 0;

  constructor(loop: Loop = RUNTIME) {
    this.#loop = loop;
  }

  get lag(): LoopLag {
    return this.#awake.lag;
  }

  nowMs(): number {
    if (this.#looked) return this.#heldMs;
    const nowMs = this.#loop.nowMs();
    if (this.#held) {
      this.#looked = true;
      this.#heldMs = nowMs;
    }
    return nowMs;
  }

  awakeMs(): number {
    return this.nowMs() - this.#awake.lostMs;
  }

  /**
   * From here to `releaseClock` it is the time of the first look: what one chunk of bytes makes happen happens at once. A look costs 70 ns, and a request
   * takes five or six; timers are armed by the real time.
   */
  holdClock(): void {
    this.#held = true;
    this.#looked = false;
  }

  releaseClock(): void {
    this.#held = false;
    this.#looked = false;
  }

  create(owner: TimerOwner, kind: TimerKind = 'own'): Timer {
    return new Entry(owner, kind === 'peer');
  }

  set(timer: Timer, delayMs: number): void {
    const entry = timer as Entry;
    const nowMs = this.#loop.nowMs();
    const dueMs = nowMs + delayMs;
    entry.deadlineMs = entry.isPeer ? dueMs - this.#awake.lostMs : dueMs;
    const tick = Math.ceil(dueMs / RESOLUTION_MS);
    if (entry.tick !== -1 && entry.tick <= tick) return;
    if (entry.tick === -1) {
      if (this.#size++ === 0) this.#tick = Math.floor(nowMs / RESOLUTION_MS);
      if (entry.isPeer) this.#peers++;
    } else entry.unlink();
    this.#insert(entry, tick);
    if (entry.isPeer && !this.#handling) this.#lookSoon(nowMs);
  }

  /** Takes the entry out at once: one that waited for its slot would keep its owner, a whole closed connection, alive for seconds. */
  clear(timer: Timer): void {
    const entry = timer as Entry;
    entry.deadlineMs = UNARMED;
    if (entry.tick === -1) return;
    entry.unlink();
    this.#left(entry);
  }

  #left(entry: Entry): void {
    this.#size--;
    if (entry.isPeer) this.#peers--;
  }

  /** Puts the entry into the slot of its deadline, or one turn ahead when that is further. */
  #insert(entry: Entry, tick: number): void {
    entry.tick = Math.min(Math.max(tick, this.#tick + 1), this.#tick + SLOTS - 1);
    const slot = this.#slots[entry.tick & (SLOTS - 1)]!;
    entry.previous = slot.previous;
    entry.next = slot;
    slot.previous.next = entry;
    slot.previous = entry;
    if (!this.#handling && entry.tick < this.#wakeTick) this.#sleepUntil(entry.tick);
  }

  /** A deadline on a peer has begun. */
  #lookSoon(nowMs: number): void {
    if (this.#wakeTick > nowMs / RESOLUTION_MS + LOOK_TICKS + 1) this.#sleepUntil(this.#wakeTick);
  }

  #sleepUntil(tick: number): void {
    if (this.#sleep !== null) this.#loop.cancel(this.#sleep);
    const nowMs = this.#loop.nowMs();
    this.#wakeTick = this.#peers > 0 ? Math.min(tick, Math.ceil(nowMs / RESOLUTION_MS) + LOOK_TICKS) : tick;
    const delayMs = Math.max(1, this.#wakeTick * RESOLUTION_MS - nowMs);
    this.#sleep = this.#loop.sleep(this.#onWake, Math.ceil(delayMs));
  }

  #wake(): void {
    this.#sleep = null;
    const nowMs = this.#loop.nowMs();
    const nowTick = Math.floor(nowMs / RESOLUTION_MS);
    const isLate = this.#awake.look(nowMs, this.#wakeTick * RESOLUTION_MS);
    this.#wakeTick = UNARMED;
    this.#handling = true;
    if (!isLate) {
      this.#handle(nowTick);
      return;
    }
    this.#lateTick = nowTick;
    this.#loop.afterPoll(this.#onLateWake);
  }

  /** All slots up to `nowTick`. */
  #handle(nowTick: number): void {
    // After a long sleep of the process one turn visits every slot.
    const last = Math.min(nowTick, this.#tick + SLOTS);
    const from = this.#tick + 1;
    this.#tick = Math.max(nowTick, this.#tick);
    for (let tick = from; tick <= last; tick++) this.#fire(this.#slots[tick & (SLOTS - 1)]!);
    this.#handling = false;
    if (this.#size > 0) this.#sleepUntil(this.#nextTick());
  }

  #fire(slot: Entry): void {
    if (slot.next === slot) return;
    // Entries that go back into this slot wait for their turn: those of this turn are moved to a ring of their own first.
    const due = this.#due;
    due.next = slot.next;
    due.previous = slot.previous;
    due.next.previous = due;
    due.previous.next = due;
    slot.next = slot;
    slot.previous = slot;
    const nowMs = this.#tick * RESOLUTION_MS;
    while (due.next !== due) {
      const entry = due.next;
      entry.unlink();
      const dueMs = entry.isPeer ? entry.deadlineMs + this.#awake.lostMs : entry.deadlineMs;
      if (dueMs > nowMs) this.#insert(entry, Math.ceil(dueMs / RESOLUTION_MS));
      else this.#expire(entry);
    }
  }

  #expire(entry: Entry): void {
    this.#left(entry);
    entry.deadlineMs = UNARMED;
    try {
      entry.owner.onTimer(entry);
    } catch (error) {
      // One owner's mistake is reported as uncaught and must not stop everybody's timers.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #nextTick(): number {
    for (let ahead = 1; ahead < SLOTS; ahead++) {
      const slot = this.#slots[(this.#tick + ahead) & (SLOTS - 1)]!;
      if (slot.next !== slot) return this.#tick + ahead;
    }
    return this.#tick + SLOTS - 1;
  }
}
