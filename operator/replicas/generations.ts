import type { ObjectRefText } from '../../crds/state/object-ref.ts';
import type { ObjectMeta } from '../../crds/types/object-meta.ts';
import type { Clock } from '../runtime/clock.ts';

interface Generation {
  uid: string;
  generation: number;
  /** A resourceVersion with which the object had it. */
  revision: string;
  /** Monotonic. */
  seenAtMs: number;
}

/** Since when each object is what it is, by the resourceVersion at which its generation was first seen here: who has seen that one has seen this generation. */
export class Generations {
  readonly #clock: Clock;
  readonly #seen = new Map<ObjectRefText, Generation>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(object: ObjectRefText, { uid, generation, resourceVersion }: ObjectMeta): Generation {
    const held = this.#seen.get(object);
    if (held?.uid === uid && held.generation === generation) return held;
    const seen = { uid, generation, revision: resourceVersion, seenAtMs: this.#clock.nowMs() };
    this.#seen.set(object, seen);
    return seen;
  }

  forget(object: ObjectRefText): void {
    this.#seen.delete(object);
  }
}
