import type { QueueLimits } from '../../contract/policy/queue.ts';

/** Who waits for an endpoint. */
export interface QueueGuest {
  readonly limits: QueueLimits;
  /** An endpoint may be had, or waiting may be over. True: it has left the queue, with an endpoint or with an answer. */
  lookAgain(): boolean;
}

/** Who sees to it that guests look again: told when one enters, and when something has changed. Never calls them back within the call. */
export interface QueueKeeper {
  entered(): void;
  woken(): void;
}

export type QueueDecision =
  | 'wait'
  /** Fails at once with 504: nothing could be had for `failfastMs`, and still cannot. */
  | 'failfast'
  /** Fails with 503: too many wait. Never retried. */
  | 'shed';

/** What was found out before nobody asked for so long is forgotten: an hour-old failure must not fail the next request at once. */
const FORGET_MS = 10_000;

/** A guest's place in a queue: made once per guest, entered and left many times. */
export class QueuePlace {
  readonly guest: QueueGuest;
  /** `null` = in none. */
  queue: EndpointQueue | null = null;
  enteredMs = 0;
  previous: QueuePlace | null = null;
  next: QueuePlace | null = null;

  constructor(guest: QueueGuest) {
    this.guest = guest;
  }
}

/** Milliseconds (linkerd2-proxy: balancer queue metrics). */
export const WAIT_BOUNDS_MS: readonly number[] = [0.5, 5, 50, 500, 1000, 3000];

/** How long guests have waited, those that gave up included. */
export class QueueWaits {
  /** Of each of `WAIT_BOUNDS_MS`, and of what is above. */
  readonly counts: number[] = [...WAIT_BOUNDS_MS, 0].fill(0);
  sumMs = 0;

  record(waitedMs: number): void {
    let bucket = 0;
    while (bucket < WAIT_BOUNDS_MS.length && waitedMs > WAIT_BOUNDS_MS[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sumMs += waitedMs;
  }
}

/**
 * The requests and streams that wait for an endpoint of one pool, in the order in which they came (Linkerd: the queue in front of a balancer). Entering and
 * leaving take the same few assignments, however many wait. Times are of the awake clock (`Timers.awakeMs`).
 */
export class EndpointQueue {
  /** `null` until somebody waits for the first time. */
  keeper: QueueKeeper | null = null;
  first: QueuePlace | null = null;
  #last: QueuePlace | null = null;
  #size = 0;
  /** Since when no endpoint could be had; Infinity = one can. */
  #emptySinceMs: number = Number.POSITIVE_INFINITY;
  #askedMs: number = Number.NEGATIVE_INFINITY;
  /** Guests that have entered, and `null` until one does: how long those waited that have left. */
  entered = 0;
  waits: QueueWaits | null = null;
  /** Fails fast. How often it began to. */
  #shut = false;
  timesShut = 0;

  get isShut(): boolean {
    return this.#shut;
  }

  get size(): number {
    return this.#size;
  }

  /** A pick has found no endpoint. On `wait` the guest is in the queue: it is asked to look again, and leaves by `leave`. */
  enter(place: QueuePlace, nowMs: number): QueueDecision {
    const { limits } = place.guest;
    if (this.failsFast(limits, nowMs)) return 'failfast';
    if (this.#size >= limits.capacity) return 'shed';
    place.enteredMs = nowMs;
    this.entered++;
    this.#append(place);
    this.keeper?.entered();
    return 'wait';
  }

  #append(place: QueuePlace): void {
    place.queue = this;
    place.previous = this.#last;
    if (this.#last === null) this.first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#size++;
  }

  /** The first has found nothing, others may: they share the pool, but not all of its rules. */
  passOver(): void {
    const place = this.first;
    if (place === null) return;
    this.#remove(place);
    this.#append(place);
  }

  /** Without effect where the guest does not wait. */
  leave(place: QueuePlace, nowMs: number): void {
    if (place.queue !== this) return;
    this.#remove(place);
    this.waits ??= new QueueWaits();
    this.waits.record(nowMs - place.enteredMs);
  }

  #remove(place: QueuePlace): void {
    const { previous, next } = place;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    place.queue = null;
    place.previous = null;
    place.next = null;
    this.#size--;
  }

  /** A pick has found none: whether there has been none for too long. */
  failsFast({ failfastMs }: QueueLimits, nowMs: number): boolean {
    if (nowMs - this.#askedMs > FORGET_MS) this.ready();
    this.#askedMs = Math.max(this.#askedMs, nowMs);
    this.#emptySinceMs = Math.min(this.#emptySinceMs, nowMs);
    if (nowMs - this.#emptySinceMs < failfastMs) return false;
    // Guests may have limits of their own: it is shut from the first one that fails on.
    if (!this.#shut) this.timesShut++;
    this.#shut = true;
    return true;
  }

  /** When those that wait fail, if nothing can be had before. Infinity = nobody waits. */
  get failsAtMs(): number {
    return this.first === null ? Number.POSITIVE_INFINITY : this.#emptySinceMs + this.first.guest.limits.failfastMs;
  }

  /** An endpoint is had. Not to be said of a probe as long as it has no verdict: in fail-fast, only its success lets others wait again. */
  ready(): void {
    this.#shut = false;
    this.#emptySinceMs = Number.POSITIVE_INFINITY;
  }

  /** An endpoint may be had that could not. */
  wake(): void {
    if (this.first !== null) this.keeper?.woken();
  }
}
