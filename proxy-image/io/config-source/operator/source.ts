import { Backoff, UPPER_HALF } from '../../../../lib/backoff.ts';
import type { ConfigSink, ConfigSource, RejectedKey } from '../../../contract/config-source.ts';
import { type Change, CONFIG_ALPN, type Hello, MAX_MESSAGE_BYTES, REVISION } from '../../../contract/messages.ts';
import type { Surroundings } from '../../control/clock.ts';
import type { MessageConnection } from '../../control/connection.ts';
import { type ControlPeer, dial } from '../../control/dial.ts';
import { errorFields } from '../../control/error-fields.ts';
import type { Resolve } from '../../control/resolve.ts';
import type { Credentials, CredentialsProvider } from '../../identity/credentials.ts';
import type { ControlCalls } from '../../telemetry/control-calls.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { ReportStream } from '../../telemetry/traffic/report-stream.ts';
import type { Timer, TimerOwner, Transport } from '../../transport/types.ts';
import { Session, type SessionOwner } from './session.ts';

/** The state that the stream feeds; it knows what it has. */
export interface StreamSink extends ConfigSink {
  held(): Hello['held'];
  /** Any sign of life of the operator. */
  contact(): void;
  /** A message of a type that not every proxy needs to know, unchecked; `stream` is where it came from. */
  other(message: unknown, stream: ReportStream): void;
}

export interface OperatorSourceOptions {
  peer: ControlPeer;
  pod: Pick<Hello, 'namespace' | 'pod' | 'node' | 'proxyVersion'>;
  /** A ping so often; also how often the peer's silence is looked at. */
  pingMs: number;
  /** Nothing received for so long: the connection is given up. */
  silenceMs: number;
}

/** A restarted operator is back within a second or two; a thousand proxies must not knock on it more than a few hundred times a second. */
const BACKOFF = { initialMs: 100, maxMs: 5000, spread: UPPER_HALF };

/** What the source needs of its surroundings. */
export interface SourceContext {
  transport: Transport;
  resolve: Resolve;
  credentials: CredentialsProvider;
  surroundings: Surroundings;
  log: Logger;
  /** Counts the streams. */
  calls?: ControlCalls;
}

/**
 * The configuration stream, seen from the proxy: keeps one connection to any replica of the operator, says at the start what it has and what it
 * wants, hands batches to the state, answers with ack and nacks. While it is away the last snapshot serves and questions wait.
 */
export class OperatorSource implements ConfigSource, SessionOwner, TimerOwner {
  readonly #context: SourceContext;
  readonly #options: OperatorSourceOptions;
  readonly #backoff: Backoff;
  /** Fires for the next attempt, or to look after the open stream. */
  readonly #timer: Timer;
  /** Everything asked for and not released. */
  readonly #wanted = new Set<string>();
  #sink: StreamSink | null = null;
  #session: Session | null = null;
  #dialing = false;
  #dialledMs = 0;
  #connected = false;
  #stopped = false;

  constructor(context: SourceContext, options: OperatorSourceOptions) {
    this.#context = context;
    this.#options = options;
    this.#backoff = new Backoff(BACKOFF, context.surroundings.random);
    this.#timer = context.surroundings.timers.create(this);
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** The operator asks for a client certificate: the stream begins with the first one. */
  start(sink: StreamSink): void {
    this.#sink = sink;
    this.#context.credentials.subscribe(() => {
      if (this.#session === null) this.#connect();
    });
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#context.surroundings.timers.clear(this.#timer);
    this.#session?.close(null);
  }

  subscribe(key: string): void {
    this.#wanted.add(key);
    this.#session?.ask('subscribe', key);
  }

  unsubscribe(key: string): void {
    this.#wanted.delete(key);
    this.#session?.ask('unsubscribe', key);
  }

  onTimer(): void {
    if (this.#session === null) {
      this.#connect();
    } else {
      this.#session.lookAfter();
      this.#context.surroundings.timers.set(this.#timer, this.#options.pingMs);
    }
  }

  heard(session: Session): void {
    if (session !== this.#session) return;
    this.#sink?.contact();
    if (this.#connected) return;
    this.#connected = true;
    this.#context.calls?.answered(this.#context.surroundings.timers.nowMs() - this.#dialledMs);
    this.#backoff.reset();
    this.#context.log.info('configuration stream connected');
    this.#sink?.connectionChanged(true);
  }

  apply(changes: readonly Change[]): RejectedKey[] {
    return this.#sink?.apply(changes) ?? [];
  }

  other(message: unknown, session: Session): void {
    this.#sink?.other(message, session);
  }

  ended(session: Session, error: Error | null): void {
    if (session !== this.#session) return;
    this.#session = null;
    this.#context.calls?.ended(error);
    if (this.#connected) {
      this.#connected = false;
      this.#sink?.connectionChanged(false);
    }
    this.#retry(error);
  }

  #connect(): void {
    const credentials = this.#context.credentials.current();
    if (credentials === null || this.#dialing || this.#stopped) return;
    this.#dialing = true;
    this.#context.surroundings.timers.clear(this.#timer);
    void this.#open(credentials);
  }

  async #open(credentials: Credentials): Promise<void> {
    const { transport, resolve, surroundings, calls } = this.#context;
    if (calls !== undefined) calls.requests++;
    this.#dialledMs = surroundings.timers.nowMs();
    const session = new Session(this, this.#options, surroundings.timers);
    const options = { ...this.#options.peer, alpn: CONFIG_ALPN, maxMessageBytes: MAX_MESSAGE_BYTES };
    try {
      const connection = await dial(transport, resolve, options, credentials.context, session);
      this.#opened(session, connection);
    } catch (error) {
      calls?.ended(error);
      this.#retry(error);
    } finally {
      this.#dialing = false;
    }
  }

  #opened(session: Session, connection: MessageConnection): void {
    if (this.#stopped) {
      connection.close();
      return;
    }
    this.#session = session;
    const held = this.#sink?.held() ?? [];
    const has = new Set(held.map(({ key }) => key));
    const missing = [...this.#wanted].filter((key) => !has.has(key));
    session.begin(connection, { type: 'hello', revision: REVISION, ...this.#options.pod, held }, missing);
    this.#context.surroundings.timers.set(this.#timer, this.#options.pingMs);
  }

  #retry(error: unknown): void {
    if (this.#stopped) return;
    const retryMs = this.#backoff.nextMs();
    const fields = error === null ? {} : errorFields(error);
    this.#context.log.warn('configuration stream is away, the last snapshot serves', {
      retryMs: Math.round(retryMs),
      ...fields,
    });
    this.#context.surroundings.timers.set(this.#timer, retryMs);
  }
}
