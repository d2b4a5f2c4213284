import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { Backoff, UPPER_HALF } from '../../../lib/backoff.ts';
import { encodeFrame, FrameReader } from '../../../proxy-image/contract/framing.ts';
import {
  type Change,
  CONFIG_ALPN,
  MAX_MESSAGE_BYTES,
  type OperatorMessage,
  type ProxyMessage,
  REVISION,
} from '../../../proxy-image/contract/messages.ts';
import { machineMs } from '../clock.ts';
import type { Replica, Role } from './protocol.ts';

/** As a real proxy comes back. */
const BACKOFF = { initialMs: 100, maxMs: 5_000, spread: UPPER_HALF };
/** The pong to its first ping tells a proxy that the operator is there; differences come about then. */
const RESUMED_MS = 1_000;
const PING = encodeFrame({ type: 'ping' } satisfies ProxyMessage);

export interface Stage {
  replicas: readonly Replica[];
  /** Numbers of those to which the Service leads. */
  led(): readonly number[];
  serverName: string;
  contextOf(leaf: number): SecureContext;
  /** A change of a resource, in so many bytes of the stream. */
  arrived(key: string, bytes: number): void;
  message(bytes: number): void;
  /** It has all that it asked for, in so many bytes. */
  filled(bytes: number): void;
  /** It is there again, so long after its stream had ended. */
  back(awayMs: number): void;
  /** What it was sent until a moment after that: what others than it had not changed meanwhile is not among it. */
  resumed(bytes: number): void;
  ended(reason: string): void;
  refused(): void;
}

/**
 * A proxy as far as the operator sees one: keeps a stream to one of the replicas, holds the versions of what it is sent and acknowledges it, says when it comes back what
 * it has. Bodies are parsed, and looked at no further.
 */
export class SimulatedProxy {
  readonly role: Role;
  readonly held = new Map<string, { version: string; sources: string }>();
  readonly #stage: Stage;
  readonly #backoff = new Backoff(BACKOFF, Math.random);
  #socket: TLSSocket | null = null;
  #endedMs: number | null = null;
  #connections = 0;
  #settled = false;
  #reason = '';
  #bytes = 0;

  constructor(role: Role, stage: Stage) {
    this.role = role;
    this.#stage = stage;
  }

  get isSettled(): boolean {
    return this.#settled;
  }

  /** It has been told to connect; from then on it does so by itself. */
  get isBegun(): boolean {
    return this.#connections > 0;
  }

  get isConnected(): boolean {
    return this.#socket !== null;
  }

  ping(): void {
    this.#socket?.write(PING);
  }

  /** Resolves when the handshake is over, either way. */
  connect(): Promise<void> {
    const { replicas, serverName, contextOf } = this.#stage;
    const { host, port } = replicas[this.#next()]!;
    this.#connections += 1;
    const secureContext = contextOf(this.role.leaf);
    const socket = connect({
      host,
      port,
      servername: serverName,
      ALPNProtocols: [CONFIG_ALPN],
      minVersion: 'TLSv1.3',
      secureContext,
    });
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#reason ||= `${Reflect.get(error, 'code') ?? error.message}`;
    });
    return new Promise((resolve) => {
      socket.once('secureConnect', () => {
        this.#opened(socket);
        resolve();
      });
      socket.once('close', () => {
        this.#closed(socket);
        resolve();
      });
    });
  }

  /** The first time evenly, then at random, as kube-proxy does it. */
  #next(): number {
    const led = this.#stage.led();
    if (this.#connections === 0 && led.includes(this.role.replica)) return this.role.replica;
    return led[Math.floor(Math.random() * led.length)] ?? this.role.replica;
  }

  #opened(socket: TLSSocket): void {
    const { namespace, pod, keys } = this.role;
    this.#socket = socket;
    this.#reason = '';
    this.#bytes = 0;
    const frames = new FrameReader(MAX_MESSAGE_BYTES);
    let pendingBytes = 0;
    socket.on('data', (chunk: Uint8Array) => {
      pendingBytes += chunk.length;
      const messages = frames.push(chunk) as OperatorMessage[];
      if (messages.length === 0) return;
      for (const message of messages) this.#received(message, pendingBytes / messages.length);
      pendingBytes = 0;
    });
    const held = [...this.held].map(([key, of]) => ({ key, ...of }));
    this.#send({ type: 'hello', revision: REVISION, namespace, pod, node: 'node-1', proxyVersion: 'scale', held });
    const missing = keys.filter((key) => !this.held.has(key));
    if (missing.length > 0) this.#send({ type: 'subscribe', keys: missing });
    this.ping();
  }

  #closed(socket: TLSSocket): void {
    if (this.#socket === socket) {
      this.#socket = null;
      this.#endedMs ??= machineMs();
      this.#settled = false;
      this.#stage.ended(this.#reason || 'closed');
    }
    setTimeout(() => void this.connect(), this.#backoff.nextMs());
  }

  #send(message: ProxyMessage): void {
    this.#socket?.write(encodeFrame(message));
  }

  #received(message: OperatorMessage, bytes: number): void {
    this.#bytes += bytes;
    this.#stage.message(bytes);
    if (message.type === 'batch') {
      for (const change of message.changes) this.#apply(change, bytes / message.changes.length);
      this.#send({ type: 'ack', seq: message.seq });
    } else if (message.type === 'error') {
      this.#reason = message.code;
    }
    if (!this.#settled && message.type !== 'error') this.#settle(message.type === 'pong');
  }

  #settle(isPong: boolean): void {
    const resumed = this.#endedMs !== null;
    if (resumed ? !isPong : !this.#hasAll) return;
    this.#settled = true;
    this.#backoff.reset();
    if (this.#endedMs === null) {
      this.#stage.filled(this.#bytes);
      return;
    }
    this.#stage.back(machineMs() - this.#endedMs);
    this.#endedMs = null;
    setTimeout(() => this.#stage.resumed(this.#bytes), RESUMED_MS);
  }

  get #hasAll(): boolean {
    return this.held.has('trust') && this.role.keys.every((key) => this.held.has(key));
  }

  #apply(change: Change, bytes: number): void {
    const { key } = change;
    if (change.op === 'delete') {
      this.held.delete(key);
      return;
    }
    if (change.op === 'patch' && this.held.get(key)?.version !== change.baseVersion) {
      this.#stage.refused();
      return;
    }
    const isNew = !this.held.has(key);
    const sources = change.op === 'set' ? change.body.sources : change.sources;
    this.held.set(key, { version: change.version, sources });
    if (!isNew) this.#stage.arrived(key, bytes);
  }
}
