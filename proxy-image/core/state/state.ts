import type { ConfigSink, RejectedKey } from '../../contract/config-source.ts';
import type { Change } from '../../contract/messages.ts';
import type { ResourceBody, WorkloadResource, WorkloadSettings } from '../../contract/resources.ts';
import type { Clock } from '../clock.ts';
import type { LoadRegexEngine } from '../route/engine.ts';
import type {
  Destination,
  DestinationWatcher,
  InboundPort,
  InboundPortWatcher,
  TrustEntry,
  TrustWatcher,
} from './entries.ts';

/** What the state asks of a `ConfigSource`. */
export interface Subscriptions {
  subscribe(key: string): void;
  unsubscribe(key: string): void;
}

export interface StateOptions {
  clock: Clock;
  loadRegexEngine: LoadRegexEngine;
  namespace: string;
  pod: string;
  /** Own node and zone; empty = not known. The zone is also learned from endpoints on the own node. */
  node: string;
  zone: string;
  /** Inbound policy in force until the workload resource arrives (`defaultWorkload`). */
  initialWorkload: WorkloadResource;
  /** Most original destinations held at once; beyond it the longest unused is released. An application that scans addresses must not fill the memory. */
  maxDestinations?: number;
}

export interface HeldResource {
  key: string;
  version: string;
  body: ResourceBody;
}

/** What is written beside the key, and read back by a restarted container: plain JSON. */
export interface PersistedSnapshot {
  format: 1;
  resources: HeldResource[];
}

export interface StateStatus {
  connected: boolean;
  /** Monotonic time of the last sign of life from the source; -Infinity = none yet. */
  lastContactMs: number;
  workloadArrived: boolean;
  destinations: number;
  resources: number;
  /** Batches that changed something since start: the snapshot's identity. */
  revision: number;
  rejections: number;
}

export interface ProxyStateApi extends ConfigSink {
  /** Connects the state to where keys are asked for; keys asked for before are subscribed now. */
  attach(subscriptions: Subscriptions): void;
  apply(changes: readonly Change[]): RejectedKey[];
  connectionChanged(connected: boolean): void;
  /** The source heard from its peer (any message, also a pong): staleness counts from here. */
  contact(): void;

  /** The place of an original destination; subscribes to it when it was never asked for. `entry` is null until it is answered. */
  destination(ip: string, port: number): Destination;
  /** A watched destination is in use: it is never released. Every connection watches its destination from accept to close. */
  watch(destination: Destination, watcher: DestinationWatcher): void;
  unwatch(destination: Destination, watcher: DestinationWatcher): void;

  inboundPort(port: number): InboundPort;
  watchPort(port: InboundPort, watcher: InboundPortWatcher): void;
  unwatchPort(port: InboundPort, watcher: InboundPortWatcher): void;
  readonly settings: WorkloadSettings;

  readonly trust: TrustEntry | null;
  watchTrust(watcher: TrustWatcher): void;

  /** For the first message of a configuration connection. */
  held(): { key: string; version: string; sources: string }[];
  persist(): PersistedSnapshot;
  /** Applies what an earlier life of the container persisted; hostile like anything read from disk. Returns problems. */
  restore(snapshot: unknown): RejectedKey[];
  /** Unsubscribes and forgets destinations without watchers that were not looked up for `idleMs` (at least 10 minutes in production). Returns the keys. Does nothing while the source is away. */
  releaseIdle(idleMs: number): string[];

  readonly status: StateStatus;
}
