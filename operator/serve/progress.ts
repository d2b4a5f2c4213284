import type { ObjectRef, ObjectRefText } from '../../crds/compile/object-ref.ts';
import { parseRef } from '../../crds/compile/object-ref.ts';

/** Acks of a thousand proxies come within a second; a status needs to be looked at once. */
const QUIET_MS = 200;

/** Collects the objects whose counts may have changed, and tells of them together. */
export class Progress {
  readonly #tell: ((objects: readonly ObjectRef[]) => void) | undefined;
  readonly #changed = new Set<ObjectRefText>();
  #timer: NodeJS.Timeout | null = null;

  constructor(tell: ((objects: readonly ObjectRef[]) => void) | undefined) {
    this.#tell = tell;
  }

  note(objects: Iterable<ObjectRefText>): void {
    if (this.#tell === undefined) return;
    for (const object of objects) this.#changed.add(object);
    if (this.#changed.size === 0 || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#flush(), QUIET_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #flush(): void {
    this.#timer = null;
    const objects = [...this.#changed].flatMap((text) => parseRef(text) ?? []);
    this.#changed.clear();
    this.#tell?.(objects);
  }
}
