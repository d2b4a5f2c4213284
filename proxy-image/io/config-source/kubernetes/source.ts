import type { KindRow } from '../../../../crds/kinds/row.ts';
import { ClusterState } from '../../../../crds/state/cluster-state.ts';
import type { ReadKey } from '../../../../crds/state/reads.ts';
import type { KindName } from '../../../../crds/types/kind-name.ts';
import { REFLECTION } from '../../../../lib/reflection.ts';
import type { ConfigSink, ConfigSource } from '../../../contract/config-source.ts';
import { formatKey, TRUST_KEY } from '../../../contract/keys.ts';
import type { Change } from '../../../contract/messages.ts';
import type { Surroundings } from '../../control/clock.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Timer, TimerOwner, Transport } from '../../transport/types.ts';
import type { ApiServer } from '../api-server.ts';
import { ApiClient } from './api.ts';
import { type FeedObserver, KindFeed } from './feed.ts';
import { collectionPath, WATCHED_KINDS } from './kinds.ts';
import { Reflector } from './reflector.ts';
import { Resources } from './resources.ts';

export interface DirectOptions {
  server: ApiServer;
  namespace: string;
  pod: string;
  /** No byte on a watch for so long: it is opened again. */
  silenceMs: number;
  /** What is watched; everything that configuration is compiled from. */
  kinds?: readonly KindRow[];
}

/** So that a quiet kind is not taken for a dead connection. */
export const WATCH_SILENCE_MS = REFLECTION.idleTimeoutMs;

/** The state that direct mode feeds. */
export interface DirectSink extends ConfigSink {
  contact(): void;
}

/** How often connectedness is looked at; changes of configuration do not wait for it. */
const CHECK_MS = 1000;

/**
 * Direct mode: the proxy watches the API server itself and compiles for itself, by the very compiler of the operator. Nothing is answered before
 * every kind has been listed. Certificates, and with them the trust bundle, still come from the identity service.
 */
export class KubernetesSource implements ConfigSource, FeedObserver, TimerOwner {
  readonly #surroundings: Surroundings;
  readonly #log: Logger;
  readonly #state: ClusterState;
  readonly #resources: Resources;
  readonly #reflectors: Reflector[];
  readonly #unlisted: Set<string>;
  readonly #timer: Timer;
  readonly #flush = (): void => this.#update();
  #touched = new Set<ReadKey>();
  #flushing = false;
  #sink: DirectSink | null = null;
  #connected = false;
  #stopped = false;

  constructor(transport: Transport, options: DirectOptions, surroundings: Surroundings, log: Logger) {
    this.#surroundings = surroundings;
    this.#log = log;
    const kinds = options.kinds ?? WATCHED_KINDS;
    this.#state = new ClusterState(kinds);
    this.#unlisted = new Set(kinds.map(({ id }) => id));
    this.#resources = new Resources(this.#state, options.namespace);
    this.#resources.ask(formatKey({ kind: 'workload', namespace: options.namespace, pod: options.pod }));
    this.#resources.ask(TRUST_KEY);
    const client = new ApiClient(transport, options.server);
    this.#reflectors = kinds.map((row) => this.#reflector(row, client, options));
    this.#timer = surroundings.timers.create(this);
  }

  #reflector(row: KindRow, client: ApiClient, { silenceMs }: DirectOptions): Reflector {
    const feed = new KindFeed(row, this.#state, this);
    const options = { path: collectionPath(row), optional: row.optional, silenceMs };
    return new Reflector(client, feed, options, this.#surroundings, this.#log);
  }

  get connected(): boolean {
    return this.#connected;
  }

  start(sink: DirectSink): void {
    this.#sink = sink;
    for (const reflector of this.#reflectors) void reflector.run();
    this.#surroundings.timers.set(this.#timer, CHECK_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#surroundings.timers.clear(this.#timer);
    for (const reflector of this.#reflectors) reflector.stop();
  }

  subscribe(key: string): void {
    this.#resources.ask(key);
    this.#schedule();
  }

  unsubscribe(key: string): void {
    this.#tell(this.#resources.release(key));
  }

  /** The bundle that came with the certificate. */
  trustChanged(anchorsPem: string): void {
    this.touched(this.#state.applyTrust({ anchorsPem, resourceVersion: '0' }));
  }

  touched(reads: ReadonlySet<ReadKey>): void {
    for (const read of reads) this.#touched.add(read);
    this.#schedule();
  }

  listed({ id }: KindName): void {
    this.#unlisted.delete(id);
    this.#schedule();
  }

  onTimer(): void {
    const contactMs = Math.min(...this.#reflectors.map((reflector) => reflector.lastContactMs));
    const connected = this.#unlisted.size === 0 && this.#reflectors.every((reflector) => reflector.current);
    if (connected) this.#sink?.contact();
    if (connected !== this.#connected) {
      this.#connected = connected;
      this.#log.info('direct mode: connection to the API server', { connected, contactMs: Math.round(contactMs) });
      this.#sink?.connectionChanged(connected);
    }
    if (!this.#stopped) this.#surroundings.timers.set(this.#timer, CHECK_MS);
  }

  /** All events of one read of a socket make one batch. */
  #schedule(): void {
    if (this.#flushing || this.#unlisted.size > 0) return;
    this.#flushing = true;
    queueMicrotask(this.#flush);
  }

  #update(): void {
    this.#flushing = false;
    const touched = this.#touched;
    this.#touched = new Set();
    if (!this.#stopped) this.#tell(this.#resources.update(touched));
  }

  #tell(changes: Change[]): void {
    if (changes.length === 0) return;
    for (const { key, problems } of this.#sink?.apply(changes) ?? [])
      this.#log.warn('a resource was refused, its last good value stays in force', {
        key,
        problems: problems.join('; '),
      });
  }
}
