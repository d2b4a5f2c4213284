import type { TLSSocket } from 'node:tls';
import { TokenBucket } from '../../lib/rate.ts';
import { checkProxyMessage } from '../../proxy-image/contract/check.ts';
import { CONTROL_PLANE_ERRORS, type ControlPlaneErrorCode } from '../../proxy-image/contract/control-plane-errors.ts';
import { CodedError } from '../../proxy-image/contract/errors.ts';
import { encodeFrame, FrameReader } from '../../proxy-image/contract/framing.ts';
import type { PeerCertificate } from './certificate.ts';
import { HeldLeaf } from './leaf.ts';
import type { Peer, PeerHandler } from './peer.ts';
import type { SessionContext } from './session-context.ts';

type PeerContext = Pick<SessionContext<unknown>, 'clock' | 'limits' | 'log' | 'metrics'>;

/** Parts larger than this are handed to the socket one by one instead of being copied together. */
const COPY_LIMIT_BYTES = 64 * 1024;
/** For the last message to leave; then the connection is cut. */
const CLOSE_GRACE_MS = 1_000;
const PONG = encodeFrame({ type: 'pong' });
const RENEW = encodeFrame({ type: 'renewCertificate' });

/** Framed messages over one verified TLS connection. */
export class TlsPeer implements Peer {
  readonly identity: string;
  readonly expiresAtMs: number;
  readonly address: string;
  readonly leaf: HeldLeaf;
  readonly #socket: TLSSocket;
  readonly #context: PeerContext;
  readonly #frames: FrameReader;
  readonly #rate: TokenBucket;
  #handler: PeerHandler | null = null;
  #writable = true;
  #closing = false;
  #paused = false;
  /** Messages that were read together with the one that paused the peer. */
  #unhandled: unknown[] = [];

  constructor(socket: TLSSocket, certificate: PeerCertificate, context: PeerContext) {
    this.identity = certificate.identity;
    this.expiresAtMs = certificate.expiresAtMs;
    this.leaf = new HeldLeaf(certificate.certificate);
    this.address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    this.#socket = socket;
    this.#context = context;
    this.#frames = new FrameReader(context.limits.maxMessageBytes);
    const { messagesPerSecond, messageBurst } = context.limits;
    this.#rate = new TokenBucket({ burst: messageBurst, intervalMs: 1_000 / messagesPerSecond }, context.clock.nowMs());
  }

  start(handler: PeerHandler): void {
    this.#handler = handler;
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Uint8Array) => this.#read(chunk));
    socket.on('drain', () => {
      this.#writable = true;
      handler.drained();
    });
    // 'close' follows every error and does what is to be done.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closing = true;
      handler.closed();
    });
  }

  get writable(): boolean {
    return this.#writable && !this.#closing;
  }

  write(parts: readonly Uint8Array[]): void {
    if (this.#closing) return;
    const socket = this.#socket;
    const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (sizeBytes <= COPY_LIMIT_BYTES) {
      this.#writable = socket.write(Buffer.concat(parts, sizeBytes));
      return;
    }
    socket.cork();
    for (const part of parts) this.#writable = socket.write(part);
    socket.uncork();
  }

  pong(): void {
    if (this.writable) this.write([PONG]);
  }

  askForRenewal(): void {
    this.write([RENEW]);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume();
    // After the caller has finished what it resumed for.
    if (this.#unhandled.length > 0) queueMicrotask(() => this.#handle(this.#unhandled.splice(0)));
  }

  close(code: ControlPlaneErrorCode, detail: string): void {
    if (this.#closing) return;
    this.#closing = true;
    const { clock, log, metrics } = this.#context;
    metrics.refused(code);
    log.info('connection of a proxy ended', { code, detail, identity: this.identity, address: this.address });
    const message =
      detail === '' ? CONTROL_PLANE_ERRORS[code].message : `${CONTROL_PLANE_ERRORS[code].message}: ${detail}`;
    this.#socket.end(encodeFrame({ type: 'error', code, message }));
    const cut = clock.schedule(CLOSE_GRACE_MS, () => this.#socket.destroy());
    this.#socket.once('close', () => cut.cancel());
  }

  #read(chunk: Uint8Array): void {
    if (this.#closing) return;
    try {
      this.#handle(this.#frames.push(chunk));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.close('WEFT_SERVE_PROTOCOL', error.message);
    }
  }

  #handle(messages: readonly unknown[]): void {
    for (const [at, value] of messages.entries()) {
      if (this.#closing) return;
      if (this.#paused) {
        this.#unhandled.push(...messages.slice(at));
        return;
      }
      this.#handleOne(value);
    }
  }

  #handleOne(value: unknown): void {
    const { clock, limits } = this.#context;
    const checked = checkProxyMessage(value);
    if (!this.#rate.take(clock.nowMs())) {
      this.close('WEFT_SERVE_LIMIT', `more than ${limits.messagesPerSecond} messages a second`);
    } else if (checked.problem !== null) {
      this.close('WEFT_SERVE_PROTOCOL', checked.problem);
    } else if (checked.message !== null) {
      this.#handler?.received(checked.message);
    }
  }
}
