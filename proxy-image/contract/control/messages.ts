/**
 * The control port of a proxy (`PROXY_PORTS.tap`): mutual TLS, where the control plane, and nobody else, asks one proxy something. One connection is one question.
 * Messages are framed as those of the configuration stream (`framing.ts`).
 */
export const CONTROL_ALPN = 'weft-control/1';

/** Newest version of these messages that this tree speaks. A proxy refuses a question of a newer one; unknown fields are ignored. */
export const CONTROL_VERSION = 1;

/** Largest question, octets. */
export const MAX_CONTROL_QUESTION_BYTES: number = 64 * 1024;
/** Largest single answer, octets: a proxy's whole configuration. */
export const MAX_CONTROL_ANSWER_BYTES: number = 16 * 1024 * 1024;

/** First message of a connection, and the only one of who asks. */
export interface ControlQuestion {
  type: 'ask';
  version: number;
  /** What is asked for: a row of `proxy-image/stack/control/verbs.ts`. */
  verb: string;
  /** Particulars, as the verb has them. */
  about: unknown;
}

/** Why there is no answer. */
export const CONTROL_REFUSALS = [
  /** Of a newer version than the proxy speaks. */
  'version',
  /** A newer operator asks what this proxy does not know. */
  'unknown_verb',
  /** `problems` say what is wrong with the question. */
  'malformed',
  /** Whoever owns the pod does not want it (an annotation). */
  'disabled',
  /** As many as may be are asking it already. */
  'busy',
] as const;
export type ControlRefusal = (typeof CONTROL_REFUSALS)[number];

export type ControlAnswer =
  /** As many as there is to say; `item` as the verb has it. */
  | { type: 'tell'; item: unknown }
  /** Last: there is no more to say. */
  | { type: 'end' }
  /** Last, instead of any answer. */
  | { type: 'refused'; reason: ControlRefusal; problems: string[] };
