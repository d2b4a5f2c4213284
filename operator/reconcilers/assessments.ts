import { Readers } from '../../crds/state/readers.ts';
import type { ReadKey } from '../../crds/state/view.ts';

/** Queues by kind; each knows its objects by `namespace/name`. */
export interface ObjectQueue {
  add(key: string): void;
}

interface Subject {
  queue: ObjectQueue;
  key: string;
}

/** Which objects' conditions must be looked at again when something changes: those whose last assessment read it. */
export class Assessments {
  readonly #readers = new Readers<Subject>();
  readonly #subjects = new Map<ObjectQueue, Map<string, Subject>>();

  /** Notes what the assessment of `key` has read. */
  note(queue: ObjectQueue, key: string, reads: ReadonlySet<ReadKey>): void {
    this.#readers.replace(this.#subject(queue, key), reads);
  }

  forget(queue: ObjectQueue, key: string): void {
    this.#readers.forget(this.#subject(queue, key));
    this.#subjects.get(queue)?.delete(key);
  }

  changed(reads: Iterable<ReadKey>): void {
    for (const read of reads) for (const { queue, key } of this.#readers.of(read)) queue.add(key);
  }

  #subject(queue: ObjectQueue, key: string): Subject {
    const ofQueue = this.#subjects.get(queue) ?? new Map<string, Subject>();
    this.#subjects.set(queue, ofQueue);
    const subject = ofQueue.get(key) ?? { queue, key };
    ofQueue.set(key, subject);
    return subject;
  }
}
