import { connect, type TLSSocket } from 'node:tls';
import { Backoff, UPPER_HALF } from '../../lib/backoff.ts';
import type { Random } from '../../lib/clock.ts';
import type { ControlPlaneErrorCode } from '../../proxy-image/contract/control-plane-errors.ts';
import { encodeFrame, FrameReader } from '../../proxy-image/contract/framing.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { peerDeadline } from '../runtime/peer-deadline.ts';
import { peerCertificate } from '../serve/certificate.ts';
import { checkReplicaMessage } from './check.ts';
import {
  type LeaderMessage,
  MAX_REPLICA_MESSAGE_BYTES,
  REPLICA_ALPN,
  type ReplicaMessage,
  type ReplicaReport,
} from './messages.ts';
import { Part, type PartChange } from './part.ts';

/** A replica to which proxies may be connected. */
export interface FollowedReplica {
  /** Of its pod. */
  name: string;
  address: string;
  port: number;
  ready: boolean;
  terminating: boolean;
}

/** All PEM. */
export interface MeshCredentials {
  keyPem: string;
  certPem: string;
  anchorsPem: string;
}

/** Why a replica does not report, as far as that is known; `arriving`: its first report is on the way. */
export type Missing = ControlPlaneErrorCode | 'arriving';

export type FollowState =
  /** `part` is all that it has. */
  | { type: 'reporting'; part: Part }
  /** It has no proxies: it is stopping, or has not begun to serve. */
  | { type: 'idle' }
  | { type: 'missing'; why: Missing };

export interface FollowOptions {
  /** Pod of this replica. */
  leader: string;
  /** `null`: there is no certificate yet. */
  credentials(): MeshCredentials | null;
  ownIdentity(): string;
  /** Who was silent for so long is not believed to be there. */
  silentMs: number;
  clock: Clock;
  random: Random;
  /** It reports, no longer, or why is known now. */
  stateChanged(follow: Follow): void;
  /** A whole report has come; the first of a connection comes with `stateChanged`. */
  reported(follow: Follow, change: PartChange): void;
  failed(replica: string, code: ControlPlaneErrorCode, detail: string): void;
}

/** A replica that has started anew, or is reached again, is to be heard within a second or two. */
const BACKOFF = { initialMs: 200, maxMs: 2_000, spread: UPPER_HALF };

/** Beside codes of the system. */
const ENDED = 'ended';

/** The leader's end of what one other replica reports. It connects for as long as it lives. */
export class Follow {
  readonly #options: FollowOptions;
  readonly #backoff: Backoff;
  #target: FollowedReplica;
  #state: FollowState = { type: 'missing', why: 'arriving' };
  #part = new Part();
  #frames = new FrameReader(MAX_REPLICA_MESSAGE_BYTES);
  #socket: TLSSocket | null = null;
  #deadline: Timer | null = null;
  #retry: Timer | null = null;
  /** It has said on its last connection that it has no proxies any more. */
  #hasStopped = false;
  #ended = false;

  constructor(target: FollowedReplica, options: FollowOptions) {
    this.#target = target;
    this.#options = options;
    this.#backoff = new Backoff(BACKOFF, options.random);
    this.#connect();
  }

  get name(): string {
    return this.#target.name;
  }

  get state(): FollowState {
    return this.#state;
  }

  /** Its endpoint is another one now. */
  update(target: FollowedReplica): void {
    const { address, port } = this.#target;
    this.#target = target;
    if (target.address !== address || target.port !== port) this.reconnect();
  }

  /** With whatever certificates there are now. */
  reconnect(): void {
    if (this.#ended) return;
    this.#leave();
    if (this.#state.type === 'reporting') this.#become({ type: 'missing', why: 'arriving' });
    this.#connect();
  }

  /** It is to let go of this proxy, which has connected to another replica at `sinceMs` by our clock. */
  elsewhere(proxy: string, sinceMs: number): void {
    this.#send({ type: 'elsewhere', proxies: [[proxy, this.#part.clock.toTheirs(sinceMs)]] });
  }

  /** So many proxies are enough for it. */
  keep(proxies: number): void {
    this.#send({ type: 'keep', proxies });
  }

  end(): void {
    this.#ended = true;
    this.#leave();
  }

  #leave(): void {
    this.#retry?.cancel();
    this.#deadline?.cancel();
    this.#socket?.destroy();
    this.#socket = null;
  }

  #connect(): void {
    const { credentials, ownIdentity, leader } = this.#options;
    const { address: host, port } = this.#target;
    const own = credentials();
    if (own === null) {
      this.#retryLater();
      return;
    }
    this.#part = new Part();
    this.#frames = new FrameReader(MAX_REPLICA_MESSAGE_BYTES);
    const socket = connect({
      host,
      port,
      servername: ownIdentity(),
      key: own.keyPem,
      cert: own.certPem,
      ca: own.anchorsPem,
      ALPNProtocols: [REPLICA_ALPN],
      minVersion: 'TLSv1.3',
      // Below: as a whole.
      checkServerIdentity: () => undefined,
    });
    this.#socket = socket;
    this.#await(socket);
    socket.setNoDelay(true);
    socket.once('secureConnect', () => {
      if (peerCertificate(socket)?.identity !== ownIdentity()) this.#fail(socket, 'WEFT_REPLICA_IDENTITY', '');
      else if (socket.alpnProtocol !== REPLICA_ALPN) this.#fail(socket, 'WEFT_REPLICA_RELEASE', '');
      else this.#send({ type: 'follow', leader });
    });
    socket.on('data', (chunk: Uint8Array) => this.#read(socket, chunk));
    socket.on('error', (error: Error & { code?: string }) =>
      this.#fail(socket, codeOf(error), error.message, error.code),
    );
    socket.once('close', () => this.#fail(socket, 'WEFT_REPLICA_UNREACHABLE', 'it has ended the connection', ENDED));
  }

  /** Whatever comes shows that it is there. */
  #await(socket: TLSSocket): void {
    this.#deadline?.cancel();
    const { clock, silentMs } = this.#options;
    this.#deadline = peerDeadline(clock, silentMs, () => this.#fail(socket, 'WEFT_REPLICA_SILENT', ''));
  }

  #read(socket: TLSSocket, chunk: Uint8Array): void {
    try {
      for (const value of this.#frames.push(chunk)) {
        if (this.#socket !== socket) return;
        this.#await(socket);
        const { problem, message } = checkReplicaMessage(value);
        if (problem !== null) this.#fail(socket, 'WEFT_REPLICA_PROTOCOL', problem);
        else if (message !== null) this.#take(socket, message);
      }
    } catch (error) {
      this.#fail(socket, 'WEFT_REPLICA_PROTOCOL', error instanceof Error ? error.message : String(error));
    }
  }

  #take(socket: TLSSocket, message: ReplicaMessage): void {
    if (message.type === 'report') this.#takeReport(socket, message);
    else if (message.type === 'stopping') {
      this.#hasStopped = true;
      this.#become({ type: 'idle' });
    } else if (message.replica !== this.name) {
      // An address that was given to another pod since.
      this.#fail(socket, 'WEFT_REPLICA_IDENTITY', `${message.replica} has its address`);
    } else {
      this.#hasStopped = false;
      if (this.#state.type !== 'missing') this.#become({ type: 'missing', why: 'arriving' });
    }
  }

  #takeReport(socket: TLSSocket, report: ReplicaReport): void {
    this.#send({ type: 'heard' });
    const change = this.#part.take(report, this.#options.clock.nowMs());
    if (change === null) return;
    if (typeof change === 'string') {
      this.#fail(socket, 'WEFT_REPLICA_PROTOCOL', change);
      return;
    }
    if (this.#state.type === 'reporting') {
      this.#options.reported(this, change);
      return;
    }
    this.#backoff.reset();
    this.#become({ type: 'reporting', part: this.#part });
  }

  #send(message: LeaderMessage): void {
    this.#socket?.write(encodeFrame(message));
  }

  #fail(socket: TLSSocket, code: ControlPlaneErrorCode, detail: string, cause = ''): void {
    if (this.#socket !== socket) return;
    this.#leave();
    const { ready, terminating } = this.#target;
    const isRefused = cause === 'ECONNREFUSED';
    // Who does not listen has no proxies: it has not begun to, or will not again.
    const isOver = this.#hasStopped && (terminating || isRefused || cause === ENDED);
    const isIdle = isOver || (isRefused && !ready);
    if (!isIdle) this.#options.failed(this.name, code, detail);
    this.#become(isIdle ? { type: 'idle' } : { type: 'missing', why: code });
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retry = this.#options.clock.schedule(this.#backoff.nextMs(), () => this.#connect());
  }

  #become(state: FollowState): void {
    const before = this.#state;
    this.#state = state;
    if (state.type === 'idle' && before.type === 'idle') return;
    if (state.type === 'missing' && before.type === 'missing' && state.why === before.why) return;
    this.#options.stateChanged(this);
  }
}

/** A release that does not know the protocol has none to choose in the handshake. */
function codeOf({ code = '' }: Error & { code?: string }): ControlPlaneErrorCode {
  if (code.includes('NO_APPLICATION_PROTOCOL')) return 'WEFT_REPLICA_RELEASE';
  const isUntrusted = code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || /CERT|SIGNATURE/.test(code);
  return isUntrusted ? 'WEFT_REPLICA_IDENTITY' : 'WEFT_REPLICA_UNREACHABLE';
}
