import { newestRevision } from './order.ts';
import type { ReadKey } from './view.ts';

/** Enough to outlast a reconnect in a cluster that churns; what is forgotten only makes `sources` look older for a while. */
const MAX_REMEMBERED = 20_000;

/**
 * Remembers with which resourceVersion objects left a read. A resource must count them among its sources: without a deleted split it looks
 * older than with it, and no replica would dare to send it.
 */
export class Departed {
  readonly #revisions = new Map<ReadKey, string>();

  note(read: ReadKey, resourceVersion: string): void {
    const newest = newestRevision(this.of(read), resourceVersion);
    this.#revisions.delete(read);
    this.#revisions.set(read, newest);
    if (this.#revisions.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#revisions.keys();
    if (oldest !== undefined) this.#revisions.delete(oldest);
  }

  of(read: ReadKey): string {
    return this.#revisions.get(read) ?? '';
  }
}
