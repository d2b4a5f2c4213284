import { RequestError } from '../../operator/runtime/errors.ts';
import type { LeaseClient, LeaseRecord, VersionedLease } from '../../operator/runtime/leader-elector.ts';

/** `down`: fails at once; `hangs`: no answer until the caller gives up; `unheard`: the same, but what was asked for is done. */
export type Reach = 'ok' | 'down' | 'hangs' | 'unheard';

/** The API server's side of one Lease, with optimistic locking. Each client may be cut off by itself. */
export class FakeLease {
  /** What `unheard` is about; the rest is answered. */
  unheardOf: 'all' | 'update' = 'all';
  #record: LeaseRecord | null = null;
  #version = 0;

  get record(): LeaseRecord | null {
    return this.#record;
  }

  client(reach: () => Reach = () => 'ok'): LeaseClient {
    const request = async <R>(signal: AbortSignal, answer: () => R, isUpdate = false): Promise<R> => {
      const state = reach() === 'unheard' && this.unheardOf === 'update' && !isUpdate ? 'ok' : reach();
      if (state === 'down') throw new RequestError('Transient', 'connection refused');
      if (state === 'unheard') answer();
      if (state !== 'ok')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      return answer();
    };
    return {
      get: (signal) => request(signal, () => (this.#record === null ? null : this.#current())),
      create: (record, signal) => request(signal, () => this.#create(record)),
      update: (lease, signal) => request(signal, () => this.#update(lease), true),
    };
  }

  #create(record: LeaseRecord): VersionedLease {
    if (this.#record !== null) throw new RequestError('Conflict', 'exists');
    return this.#store(record);
  }

  #update({ record, version }: VersionedLease): VersionedLease {
    if (this.#record === null) throw new RequestError('NotFound', 'gone');
    if (version !== String(this.#version)) throw new RequestError('Conflict', 'changed');
    return this.#store(record);
  }

  /** Somebody else writes it. */
  touch(change: Partial<LeaseRecord> = {}): void {
    this.#store({ ...this.#record!, ...change });
  }

  remove(): void {
    this.#record = null;
  }

  #store(record: LeaseRecord): VersionedLease {
    this.#record = { ...record };
    this.#version += 1;
    return this.#current();
  }

  #current(): VersionedLease {
    return { record: { ...this.#record! }, version: String(this.#version) };
  }
}
