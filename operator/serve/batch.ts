import type { Kept } from '../../crds/compile/resource-cache.ts';
import { MAX_MESSAGE_BYTES } from '../../proxy-image/contract/messages.ts';
import { encodeBatch, encodeDelete } from './encoding.ts';
import type { SessionContext } from './session-context.ts';
import { reject, type Subscription } from './subscription.ts';

export interface SentItem<S> {
  subscription: Subscription<S>;
  compiled: Kept;
  /** When the oldest change in it became known. */
  sinceMs: number;
}

/** Leaves room for the envelope. */
const MAX_CHANGE_BYTES = MAX_MESSAGE_BYTES - 1_024;

/** One message in the making. */
export class Batch<S> {
  readonly items: SentItem<S>[] = [];
  readonly #changes: Uint8Array[] = [];
  readonly #context: SessionContext<S>;
  readonly #revision: number;
  #sizeBytes = 0;

  /** `revision`: of the contract, that the proxy knows. */
  constructor(context: SessionContext<S>, revision: number) {
    this.#context = context;
    this.#revision = revision;
  }

  get empty(): boolean {
    return this.#changes.length === 0;
  }

  get full(): boolean {
    return this.#sizeBytes >= this.#context.limits.batchTargetBytes;
  }

  add(subscription: Subscription<S>, compiled: Kept, sinceMs: number): void {
    const { clock, encoder, log } = this.#context;
    const change = encoder.change(subscription.audience.resource, compiled, subscription.heldVersion, this.#revision);
    if (change.length > MAX_CHANGE_BYTES) {
      // No proxy would read it: it counts as refused, so that it shows in the status instead of breaking the connection.
      reject(
        subscription,
        compiled.version,
        [`${change.length} bytes are more than a message may have`],
        clock.nowMs(),
      );
      this.#context.progressed(subscription.audience.resource);
      log.warn('resource is too large to be sent', { key: subscription.keyText, sizeBytes: change.length });
      return;
    }
    this.items.push({ subscription, compiled, sinceMs });
    this.#push(change);
  }

  drop(keyText: string): void {
    this.#push(encodeDelete(keyText));
  }

  encode(seq: number): readonly Uint8Array[] {
    const { clock, metrics } = this.#context;
    const { parts, sizeBytes } = encodeBatch(seq, this.#changes);
    const nowMs = clock.nowMs();
    for (const { sinceMs } of this.items) metrics.written(nowMs - sinceMs);
    metrics.batchSent(this.#changes.length, sizeBytes);
    return parts;
  }

  #push(change: Uint8Array): void {
    this.#changes.push(change);
    this.#sizeBytes += change.length;
  }
}
