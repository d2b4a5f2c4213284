import type { ObjectRef, ObjectRefText } from '../../crds/state/object-ref.ts';
import { parseRef } from '../../crds/state/object-ref.ts';

import type { Clock, Timer } from '../runtime/clock.ts';

/** Acks of a thousand proxies come within a second; a status needs to be looked at once. */
const QUIET_MS = 200;

/** Collects the objects whose counts may have changed, and tells of them together. */
export class Progress {
  readonly #tell: ((objects: readonly ObjectRef[]) => void) | undefined;
  readonly #changed = new Set<ObjectRefText>();
  readonly #clock: Clock;
  #timer: Timer | null = null;

  constructor(tell: ((objects: readonly ObjectRef[]) => void) | undefined, clock: Clock) {
    this.#tell = tell;
    this.#clock = clock;
  }

  note(objects: Iterable<ObjectRefText>): void {
    if (this.#tell === undefined) return;
    for (const object of objects) this.#changed.add(object);
    if (this.#changed.size === 0 || this.#timer !== null) return;
    this.#timer = this.#clock.schedule(QUIET_MS, () => this.#flush());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #flush(): void {
    this.#timer = null;
    const objects = [...this.#changed].map(parseRef);
    this.#changed.clear();
    this.#tell?.(objects);
  }
}
