import { CONTROL_ALPN, MAX_CONTROL_QUESTION_BYTES } from '../../contract/control/messages.ts';
import { FrameReader } from '../../contract/framing.ts';
import type { Client, Clients } from '../../core/overload/clients.ts';
import { peerOf } from '../../core/overload/peer.ts';
import type { InboundRefusal } from '../../io/telemetry/refusals.ts';
import { clientIdentity } from '../../io/tls/identity.ts';
import type {
  Connection,
  ConnectionError,
  ConnectionHandler,
  Handshake,
  Timer,
  TimerOwner,
} from '../../io/transport/types.ts';
import { Conversation } from './conversation.ts';
import type { ControlHost } from './host/host.ts';

/** In every refusal: they are counted together with those of the mesh port. */
const HERE = 'control port';

/**
 * A connection to the control port until it has asked its question: bounded in time, octets and number. Who has not proven that it is the control plane makes room for
 * whoever comes.
 */
export class ControlArrival implements Client, ConnectionHandler, TimerOwner {
  slot = 0;
  arrival = 0;
  readonly from: string;
  readonly #host: ControlHost;
  readonly #clients: Clients<ControlArrival>;
  readonly #connection: Connection;
  readonly #timer: Timer;
  readonly #frames = new FrameReader(MAX_CONTROL_QUESTION_BYTES);
  #proven = false;
  #refused = false;

  constructor(host: ControlHost, clients: Clients<ControlArrival>, connection: Connection) {
    this.#host = host;
    this.#clients = clients;
    this.#connection = connection;
    this.from = peerOf(connection.remote.ip);
    const { options, limits } = host.context;
    this.#timer = options.transport.timers.create(this, 'peer');
    options.transport.timers.set(this.#timer, limits.handshakeTimeoutMs);
    clients.add(this);
  }

  get expendable(): boolean {
    return !this.#proven;
  }

  onConnect(): void {}
  onDrain(): void {}

  onSecure(_: Connection, handshake: Handshake): void {
    const client = clientIdentity(handshake, CONTROL_ALPN);
    if ('refusal' in client) this.#refuse(client.refusal, handshake.authorizationError);
    else if (client.identity !== this.#host.identity) this.#refuse('not_control_plane', client.identity);
    else this.#proven = true;
  }

  onData(_: Connection, chunk: Buffer): void {
    if (!this.#proven || this.#refused) return;
    try {
      const [question] = this.#frames.push(chunk);
      if (question !== undefined) this.#converse().begin(question);
    } catch (error) {
      this.#converse().refuse('malformed', [error instanceof Error ? error.message : '']);
    }
  }

  /** Takes over the connection. */
  #converse(): Conversation {
    this.#clearTimer();
    return new Conversation(this.#host, this.#connection, () => this.#leave());
  }

  onTimer(): void {
    if (this.#proven) this.#converse().refuse('malformed', ['nothing was asked in time']);
    else this.#refuse('handshake_timeout');
  }

  makeRoom(): void {
    this.#refuse('made_room');
  }

  abort(): void {
    this.#connection.reset();
  }

  #refuse(refusal: InboundRefusal, detail = ''): void {
    this.#refused = true;
    this.#host.context.refusals.inbound(
      refusal,
      this.#connection.remote.ip,
      detail === '' ? HERE : `${HERE}: ${detail}`,
    );
    this.#connection.reset();
  }

  onEnd(connection: Connection): void {
    connection.close();
  }

  onClose(_: Connection, error: ConnectionError | null): void {
    this.#leave();
    if (error?.kind === 'tls' && !this.#refused) {
      this.#host.context.refusals.inbound('handshake_failed', this.#connection.remote.ip, `${HERE}: ${error.detail}`);
    }
  }

  #leave(): void {
    this.#clearTimer();
    this.#clients.removed(this);
  }

  #clearTimer(): void {
    this.#host.context.options.transport.timers.clear(this.#timer);
  }
}
