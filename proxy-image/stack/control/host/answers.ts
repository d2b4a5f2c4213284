import type { ControlRefusal } from '../../../contract/control/messages.ts';
import type { ControlHost } from './host.ts';

/** Who asked: what is told goes to him, as fast as he takes it. */
export interface ControlAnswers {
  /** Octets that he has not taken yet. Whoever tells more than a little looks at them first, or drops what it has to tell. */
  readonly pendingBytes: number;
  tell(item: object): void;
  /** The same of items that are JSON already, together. */
  tellTexts(items: readonly string[]): void;
  /** There is no more to say. Nothing may be told after it. */
  end(): void;
  /** Instead of any answer. */
  refuse(reason: ControlRefusal, problems?: string[]): void;
  /** He does not take what he is told. */
  abort(): void;
}

/** An answer that goes on. */
export interface ControlTask {
  /** Nothing waits any more to be taken. */
  drained(): void;
  /** Whoever asked has gone, or has been told all. Once. */
  closed(): void;
}

/** Answers `about`, which is unread and hostile, at once (`null`) or from now on. */
export type ControlVerb = (host: ControlHost, about: unknown, answers: ControlAnswers) => ControlTask | null;
