import { formatAddress } from '../../contract/keys.ts';
import type { EndpointState } from '../../core/balance/endpoint.ts';
import { Dial, type DialContext, type DialError, type DialOwner, type DialTarget } from '../../io/pool/dial.ts';
import { Outbox } from '../../io/tcp/outbox.ts';
import { Splice, type SpliceOwner } from '../../io/tcp/splice.ts';
import type { StreamError } from '../../io/telemetry/connection-recorder.ts';
import type { TransportLabels } from '../../io/telemetry/recorder.ts';
import { destinationLabels } from '../../io/telemetry/series-labels.ts';
import type { Connection, ConnectionError, ConnectionHandler } from '../../io/transport/types.ts';
import type { LiveSet, StreamWatch } from '../shared/live.ts';
import type { StackOptions } from '../shared/options.ts';
import { type Direction, dialledLabels } from '../shared/transport-labels.ts';
import { logUnreached } from '../shared/unreached.ts';

/** Who looks for a place to go. */
export interface StreamSeeker {
  found(target: DialTarget): void;
  foundNone(error: StreamError): void;
}

/** Where a stream may go. */
export interface StreamTargets {
  /** Asked for the first attempt and after each that failed: one call of the seeker follows, within this one or later. */
  seek(seeker: StreamSeeker): void;
  /** The client has gone while a place was looked for, or an attempt was under way. */
  cancel(): void;
  /** The attempt at what was found last. */
  connected(options: StackOptions, tookMs: number): void;
  failed(options: StackOptions, error: DialError): void;
  /** The stream has ended; only after `connected`. */
  closed(): void;
  /** For metrics: the endpoint of the present attempt; `null` = an address that no resource named. */
  readonly endpoint: EndpointState | null;
  readonly authority: string;
}

export interface StreamSurroundings {
  readonly options: StackOptions;
  readonly live: LiveSet;
  /** Whose it is. */
  readonly plan: { readonly side: Direction; readonly labels: TransportLabels };
}

/** One connection carried as bytes: dialled, with another endpoint where one refuses, then spliced. Its client waits meanwhile. */
export class Stream implements ConnectionHandler, DialOwner, SpliceOwner, StreamSeeker {
  readonly #client: Outbox;
  readonly #dialContext: DialContext;
  readonly #targets: StreamTargets;
  readonly #around: StreamSurroundings;
  readonly #released: () => void;
  #firstBytes: Buffer = Buffer.alloc(0);
  #ended = false;
  #dial: Dial | null = null;
  #dialledMs = 0;
  #splice: Splice | null = null;
  /** What it has ended by; empty before. */
  error: StreamError = '';
  #watch: StreamWatch | null = null;

  /** Takes over the handler of `connection`. `released` is called once, when all is over. */
  constructor(
    connection: Connection,
    dialContext: DialContext,
    targets: StreamTargets,
    around: StreamSurroundings,
    released: () => void,
  ) {
    this.#client = new Outbox(connection);
    this.#dialContext = dialContext;
    this.#targets = targets;
    this.#around = around;
    this.#released = released;
    connection.handler = this;
  }

  /** `firstBytes` were read by detection; they are valid during the call. `ended`: the client has sent FIN behind them. */
  start(firstBytes?: Buffer, ended = false): void {
    this.#ended = ended;
    if (firstBytes !== undefined) this.#firstBytes = Buffer.from(firstBytes);
    this.#client.connection.pause();
    this.#targets.seek(this);
  }

  found(target: DialTarget): void {
    this.#dialledMs = this.#dialContext.transport.timers.nowMs();
    this.#dial = new Dial(this.#dialContext, target, this);
  }

  foundNone(error: StreamError): void {
    this.error = error;
    this.#client.connection.reset();
  }

  dialled(dial: Dial, connection: Connection, prelude: Buffer | null): void {
    this.#dial = null;
    const { options, live, plan } = this.#around;
    this.#targets.connected(options, options.transport.timers.nowMs() - this.#dialledMs);
    const { endpoint, authority } = this.#targets;
    const dst = endpoint === null ? {} : destinationLabels(endpoint, options.state.zone);
    live.opened(connection, dialledLabels(plan.side, dial.target, dst, authority));
    const upstream = new Outbox(connection);
    if (prelude !== null) this.#firstBytes = Buffer.concat([prelude, this.#firstBytes]);
    const client = this.#client.connection;
    if (live.streams !== null)
      this.#watch = live.streams.opened({
        side: plan.side,
        labels: plan.labels,
        client,
        target: dial.target,
        endpoint,
      });
    this.#splice = new Splice(this.#client, upstream, this);
    client.resume();
    this.#splice.feedFromLeft(this.#firstBytes, 0, this.#firstBytes.length);
    this.#firstBytes = Buffer.alloc(0);
    if (this.#ended) this.#splice.endFromLeft();
  }

  dialFailed(dial: Dial, error: DialError): void {
    this.#dial = null;
    const { options } = this.#around;
    const peer = formatAddress(dial.target.address.ip, dial.target.address.port);
    logUnreached(options.log, peer, error);
    this.#targets.failed(options, error);
    this.#targets.seek(this);
  }

  spliceClosed(splice: Splice, error: ConnectionError | null): void {
    if (error !== null) this.error = 'unexpected';
    this.#around.live.closed(splice.right);
    this.#watch?.closed(error);
    this.#targets.closed();
    this.#released();
  }

  abort(): void {
    if (this.#splice !== null) this.#splice.abort();
    else this.#client.connection.reset();
  }

  /** The client while the upstream is dialled; it is paused. */
  onConnect(): void {}
  onSecure(): void {}
  onDrain(): void {}

  onData(_: Connection, chunk: Buffer): void {
    this.#firstBytes = Buffer.concat([this.#firstBytes, chunk]);
  }

  onEnd(): void {
    this.#ended = true;
  }

  onClose(): void {
    this.#dial?.cancel();
    this.#dial = null;
    this.#targets.cancel();
    this.#released();
  }
}
