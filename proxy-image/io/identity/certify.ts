import { readFileSync } from 'node:fs';
import { WeftError } from '../../contract/errors.ts';
import {
  type CertifyAnswer,
  type CertifyRequest,
  IDENTITY_ALPN,
  type IdentityAnswer,
  MAX_IDENTITY_MESSAGE_BYTES,
  parseIdentityAnswer,
} from '../../contract/identity-messages.ts';
import type { MessageConnection, MessageHandler } from '../control/connection.ts';
import { type ControlPeer, dial } from '../control/dial.ts';
import type { Resolve } from '../control/resolve.ts';
import { ControlCalls } from '../telemetry/control-calls.ts';
import type { Timer, TimerOwner, Timers, TlsContext, Transport } from '../transport/types.ts';

/** A refusal says when to come back; `WeftError` alone cannot. */
export class CertifyRefused extends WeftError {
  readonly retryAfterMs: number;
  constructor(code: string, message: string, retryAfterMs: number) {
    super('WEFT_IDENTITY_REFUSED', `${code}: ${message}`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The same token and CSR would be refused again: only the next token, or a changed cluster, can help. */
const HOPELESS_RETRY_MS = 30_000;
/** The service asks the API server about the token, which may be slow; a proxy gains nothing by giving up early. */
const ANSWER_TIMEOUT_MS = 15_000;

/**
 * The token as it is now: the kubelet replaces the file well before a token expires, so it is read for every call.
 * @throws WeftError WEFT_IDENTITY_TOKEN
 */
export function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new WeftError('WEFT_IDENTITY_TOKEN', error instanceof Error ? error.message : file, error);
  }
  if (token === '') throw new WeftError('WEFT_IDENTITY_TOKEN', `${file} is empty`);
  return token;
}

/** Asks the identity service for a certificate; one connection per call. */
export class CertifyClient {
  readonly #transport: Transport;
  readonly #resolve: Resolve;
  readonly #peer: ControlPeer;
  readonly #calls: ControlCalls;

  constructor(
    transport: Transport,
    resolve: Resolve,
    peer: ControlPeer,
    calls: ControlCalls = new ControlCalls('identity', peer),
  ) {
    this.#transport = transport;
    this.#resolve = resolve;
    this.#peer = peer;
    this.#calls = calls;
  }

  /**
   * `context` holds the trust bundle and no certificate; `csr` is DER.
   * Rejects with WEFT_IDENTITY_REFUSED (`CertifyRefused`), WEFT_IDENTITY_ANSWER, WEFT_CONTROL_*, WEFT_FRAMING.
   */
  async certify(context: TlsContext, token: string, csr: Uint8Array): Promise<CertifyAnswer> {
    const calls = this.#calls;
    calls.requests++;
    try {
      const answer = await this.#ask(context, token, csr);
      calls.ended(null);
      return answer;
    } catch (error) {
      calls.ended(error);
      throw error;
    }
  }

  async #ask(context: TlsContext, token: string, csr: Uint8Array): Promise<CertifyAnswer> {
    const request: CertifyRequest = { type: 'certify', token, csr: Buffer.from(csr).toString('base64') };
    const options = { ...this.#peer, alpn: IDENTITY_ALPN, maxMessageBytes: MAX_IDENTITY_MESSAGE_BYTES };
    const { timers } = this.#transport;
    const startedMs = timers.nowMs();
    const call = new Call(timers);
    const connection = await dial(this.#transport, this.#resolve, options, context, call);
    const answer = await call.ask(connection, request);
    this.#calls.answered(timers.nowMs() - startedMs);
    if (answer.type === 'certificate') return answer;
    throw new CertifyRefused(answer.code, answer.message, answer.retryAfterMs ?? HOPELESS_RETRY_MS);
  }
}

/** One question and its answer. */
class Call implements MessageHandler, TimerOwner {
  readonly #timers: Timers;
  readonly #timer: Timer;
  readonly #answer: Promise<IdentityAnswer>;
  #connection: MessageConnection | null = null;
  #settled = false;
  #resolve: (answer: IdentityAnswer) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(timers: Timers) {
    this.#timers = timers;
    this.#timer = timers.create(this, 'peer');
    this.#answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  ask(connection: MessageConnection, request: CertifyRequest): Promise<IdentityAnswer> {
    this.#connection = connection;
    this.#timers.set(this.#timer, ANSWER_TIMEOUT_MS);
    connection.send(request);
    return this.#answer;
  }

  onMessage(value: unknown): void {
    const answer = parseIdentityAnswer(value);
    if (answer === null) throw new WeftError('WEFT_IDENTITY_ANSWER', 'not a message of the identity protocol');
    this.#settle();
    this.#resolve(answer);
    this.#connection?.close();
  }

  onClosed(error: Error | null): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(error ?? new WeftError('WEFT_CONTROL_CONNECT', 'the identity service ended without an answer'));
  }

  onTimer(): void {
    this.#connection?.close(new WeftError('WEFT_CONTROL_SILENT', `no certificate within ${ANSWER_TIMEOUT_MS} ms`));
  }

  #settle(): void {
    this.#settled = true;
    this.#timers.clear(this.#timer);
  }
}
