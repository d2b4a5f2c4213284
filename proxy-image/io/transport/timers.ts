import type { Timer, TimerOwner, Timers } from './types.ts';

/** 10 ms: a timeout of 500 ms is at most 2 % late, and a busy proxy wakes at most a hundred times a second for all its timers together. */
const RESOLUTION_MS = 10;
/** One turn of the wheel is about five seconds, longer than most idle limits; longer delays stay for several turns. Power of two. */
const SLOTS = 512;
const UNARMED = Number.POSITIVE_INFINITY;

/** Member of a slot's ring. A slot is a ring with a sentinel, so that unlinking needs no slot. */
class Entry implements Timer {
  readonly owner: TimerOwner;
  deadlineMs = UNARMED;
  /** Tick at which the wheel looks at it again, not after the deadline's; -1 = in no slot. */
  tick = -1;
  next: Entry = this;
  previous: Entry = this;

  constructor(owner: TimerOwner) {
    this.owner = owner;
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

/**
 * A timer wheel. Arming, clearing and arming anew cost a few assignments; arming for later than before costs one, because the wheel sorts it out when
 * it comes to the entry's old slot. The runtime's own timer runs only while something is in the wheel, and sleeps until the next slot that holds
 * anything.
 */
export class TimerWheel implements Timers {
  readonly resolutionMs: number = RESOLUTION_MS;
  readonly #slots: Entry[] = Array.from({ length: SLOTS }, () => new Entry(NOBODY));
  #size = 0;
  /** Last tick that was handled. */
  #tick = 0;
  #wakeTick = UNARMED;
  #handle: ReturnType<typeof setTimeout> | null = null;
  /** Ring of the slot that is being handled: a handler may unlink any entry of it. */
  readonly #due = new Entry(NOBODY);
  /** While slots are handled, nothing is scheduled: the next wake is found once, at the end. */
  #handling = false;
  readonly #onWake = (): void => this.#wake();
  #held = false;
  /** NaN = not read yet. */
  #heldMs = Number.NaN;

  nowMs(): number {
    if (!this.#held) return performance.now();
    if (Number.isNaN(this.#heldMs)) this.#heldMs = performance.now();
    return this.#heldMs;
  }

  /**
   * From here to `releaseClock` it is the time of the first look: what one chunk of bytes makes happen happens at once. A look costs 70 ns, and a request
   * takes five or six; timers are armed by the real time.
   */
  holdClock(): void {
    this.#held = true;
    this.#heldMs = Number.NaN;
  }

  releaseClock(): void {
    this.#held = false;
  }

  create(owner: TimerOwner): Timer {
    return new Entry(owner);
  }

  set(timer: Timer, delayMs: number): void {
    const entry = timer as Entry;
    const nowMs = performance.now();
    entry.deadlineMs = nowMs + delayMs;
    const tick = Math.ceil(entry.deadlineMs / RESOLUTION_MS);
    if (entry.tick !== -1 && entry.tick <= tick) return;
    if (entry.tick === -1) {
      if (this.#size++ === 0) this.#tick = Math.floor(nowMs / RESOLUTION_MS);
    } else entry.unlink();
    this.#insert(entry, tick);
  }

  /** Takes the entry out at once: one that waited for its slot would keep its owner, a whole closed connection, alive for seconds. */
  clear(timer: Timer): void {
    const entry = timer as Entry;
    entry.deadlineMs = UNARMED;
    if (entry.tick === -1) return;
    entry.unlink();
    this.#size--;
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

  #sleepUntil(tick: number): void {
    if (this.#handle !== null) clearTimeout(this.#handle);
    this.#wakeTick = tick;
    const delayMs = Math.max(1, tick * RESOLUTION_MS - performance.now());
    this.#handle = setTimeout(this.#onWake, Math.ceil(delayMs));
  }

  #wake(): void {
    this.#handle = null;
    this.#wakeTick = UNARMED;
    const nowTick = Math.floor(performance.now() / RESOLUTION_MS);
    // After a long sleep of the process one turn visits every slot.
    const last = Math.min(nowTick, this.#tick + SLOTS);
    const from = this.#tick + 1;
    this.#tick = Math.max(nowTick, this.#tick);
    this.#handling = true;
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
      if (entry.deadlineMs > nowMs) this.#insert(entry, Math.ceil(entry.deadlineMs / RESOLUTION_MS));
      else this.#expire(entry);
    }
  }

  #expire(entry: Entry): void {
    this.#size--;
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
