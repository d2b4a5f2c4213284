import { checkOperatorMessage, type RejectedChange } from '../../../contract/check.ts';
import type { RejectedKey } from '../../../contract/config-source.ts';
import { WeftError } from '../../../contract/errors.ts';
import type { Change, Hello, OperatorMessage, ProxyMessage } from '../../../contract/messages.ts';
import type { MessageConnection, MessageHandler } from '../../control/connection.ts';
import type { Timers } from '../../transport/types.ts';

export interface SessionOwner {
  /** A message arrived and was understood. */
  heard(session: Session): void;
  apply(changes: readonly Change[]): RejectedKey[];
  /** A message of a type that not every proxy needs to know, unchecked. */
  other(message: unknown, session: Session): void;
  /** Last call, exactly once. */
  ended(session: Session, error: Error | null): void;
}

export interface SessionLimits {
  /** Nothing received for so long: the connection is given up. */
  silenceMs: number;
}

type Batch = Extract<OperatorMessage, { type: 'batch' }>;

/** One connection of the configuration stream, from hello to its end. */
export class Session implements MessageHandler {
  readonly #owner: SessionOwner;
  readonly #limits: SessionLimits;
  readonly #timers: Timers;
  /** What this turn of the event loop asked for: one message each, however many keys. */
  readonly #asked = { subscribe: new Set<string>(), unsubscribe: new Set<string>() };
  readonly #flush = (): void => this.#sendAsked();
  #flushing = false;
  #connection: MessageConnection | null = null;
  /** By the awake clock. */
  #heardMs: number;

  constructor(owner: SessionOwner, limits: SessionLimits, timers: Timers) {
    this.#owner = owner;
    this.#limits = limits;
    this.#timers = timers;
    this.#heardMs = timers.awakeMs();
  }

  begin(connection: MessageConnection, hello: Hello, missing: string[]): void {
    this.#connection = connection;
    this.#heardMs = this.#timers.awakeMs();
    this.send(hello);
    if (missing.length > 0) this.send({ type: 'subscribe', keys: missing });
    // To a proxy that has everything the operator has nothing to say: the pong tells that it is there.
    this.send({ type: 'ping' });
  }

  /** Sent at the end of this turn, together with what else it asks for. The last word on a key counts. */
  ask(verb: 'subscribe' | 'unsubscribe', key: string): void {
    this.#asked[verb === 'subscribe' ? 'unsubscribe' : 'subscribe'].delete(key);
    this.#asked[verb].add(key);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(this.#flush);
  }

  /** Called every now and then: pings, and gives up a peer that has gone silent. */
  lookAfter(): void {
    const silentMs = this.#timers.awakeMs() - this.#heardMs;
    if (silentMs > this.#limits.silenceMs)
      this.close(new WeftError('WEFT_CONTROL_SILENT', `nothing for ${Math.round(silentMs)} ms`));
    else this.send({ type: 'ping' });
  }

  get isOpen(): boolean {
    return this.#connection !== null;
  }

  close(error: Error | null): void {
    this.#connection?.close(error);
  }

  onMessage(value: unknown): void {
    const { message, problem, rejected } = checkOperatorMessage(value);
    if (problem !== null) throw new WeftError('WEFT_CONTROL_PROTOCOL', problem);
    if (message === null) {
      this.#owner.other(value, this);
      return;
    }
    if (message.type === 'error') throw new WeftError('WEFT_STREAM_REFUSED', `${message.code}: ${message.message}`);
    this.#heardMs = this.#timers.awakeMs();
    if (message.type === 'batch') this.#apply(message, rejected);
    this.#owner.heard(this);
  }

  onClosed(error: Error | null): void {
    this.#connection = null;
    this.#owner.ended(this, error);
  }

  #apply(batch: Batch, malformed: readonly RejectedChange[]): void {
    const refused = this.#owner.apply(batch.changes);
    const { seq } = batch;
    for (const { key, problem } of malformed) this.send({ type: 'nack', seq, key, problems: [problem] });
    for (const { key, problems } of refused) this.send({ type: 'nack', seq, key, problems });
    this.send({ type: 'ack', seq });
    if (refused.some(({ key, applied }) => applied !== true && isPatched(batch, key)))
      // The two sides differ about what is held; a new hello says what it is.
      throw new WeftError('WEFT_CONTROL_PROTOCOL', 'a patch does not fit what is held');
  }

  #sendAsked(): void {
    this.#flushing = false;
    for (const type of ['unsubscribe', 'subscribe'] as const) {
      const keys = [...this.#asked[type]];
      this.#asked[type].clear();
      if (keys.length > 0) this.send({ type, keys });
    }
  }

  send(message: ProxyMessage): void {
    this.#connection?.send(message);
  }
}

function isPatched(batch: Batch, key: string): boolean {
  return batch.changes.some((change) => change.op === 'patch' && change.key === key);
}
