import type { Clock } from '../../../lib/clock.ts';
import type { ConfigSink, RejectedKey } from '../../contract/config-source.ts';
import { WeftError } from '../../contract/errors.ts';
import { formatKey, parseKey, type ResourceKey } from '../../contract/keys.ts';
import type { Change } from '../../contract/messages.ts';
import { isOlderBody } from '../../contract/older-operators.ts';
import { type Fields, Reader } from '../../contract/read/reader.ts';
import type { Endpoint, WorkloadResource, WorkloadSettings } from '../../contract/resources.ts';
import { EndpointPool, type Locality } from '../balance/pool.ts';
import { hashText } from '../hash.ts';
import type { LoadRegexEngine } from '../route/engine.ts';
import { buildEntry } from './build.ts';
import { DestinationSlot, DestinationTable } from './destinations.ts';
import type {
  Destination,
  DestinationWatcher,
  InboundPort,
  InboundPortWatcher,
  ServiceEntry,
  TrustEntry,
  TrustWatcher,
} from './entries.ts';
import { HeldResources, readSnapshot } from './held.ts';
import { InboundPorts } from './inbound.ts';
import { parseEndpointList } from './parse/endpoints.ts';
import type { LoadRuleParts } from './parse/load-rule-parts.ts';
import { parseServiceResource } from './parse/service.ts';
import { parseWorkload } from './parse/workload.ts';
import { mergePatch } from './patch.ts';

/** What the state asks of a `ConfigSource`. */
export interface Subscriptions {
  subscribe(key: string): void;
  unsubscribe(key: string): void;
}

export interface StateOptions {
  clock: Clock;
  loadRegexEngine: LoadRegexEngine;
  loadRuleParts: LoadRuleParts;
  namespace: string;
  pod: string;
  /** Own node and zone; empty = not known. The zone is also learned from endpoints on the own node. */
  node: string;
  zone: string;
  /** Inbound policy in force until the workload resource arrives (`defaultWorkload`); it comes from the environment. */
  initialWorkload: WorkloadResource;
  /** Most original destinations held at once (default 10,000); beyond it the longest unused make room. An application that scans addresses must not fill the memory. */
  maxDestinations?: number;
}

export interface StateStatus {
  connected: boolean;
  /** Monotonic time of the last sign of life from the source; -Infinity = none yet. */
  lastContactMs: number;
  workloadArrived: boolean;
  destinations: number;
  resources: number;
  /** Changes that took effect since start: two equal numbers mean the same snapshot. */
  revision: number;
  rejections: number;
}

type SetChange = Extract<Change, { op: 'set' }>;

const DEFAULT_MAX_DESTINATIONS = 10_000;

/**
 * Everything this proxy has been told. A batch takes effect as a whole: `apply` is synchronous, so nothing runs between its changes, and watchers hear of
 * it only when all are in place. Entries are immutable; readers keep the *place* (`Destination`, `InboundPort`) and read its entry per request.
 */
export class ProxyState implements ConfigSink {
  readonly #options: StateOptions;
  readonly #clock: Clock;
  readonly #workloadKey: string;
  readonly #held = new HeldResources();
  readonly #destinations: DestinationTable;
  readonly #pools = new Map<string, EndpointPool>();
  /** Whose endpoints have come to agree on a protocol in this batch. */
  readonly #declared = new Set<EndpointPool>();
  readonly #inbound: InboundPorts;
  readonly #trustWatchers = new Set<TrustWatcher>();
  /** Differs from pod to pod, and is the same after a restart of the container. */
  readonly #seed: number;
  #subscriptions: Subscriptions | null = null;
  #locality: Locality;
  #trust: TrustEntry | null = null;
  #announceTrust = false;
  #connected = false;
  #lastContactMs = Number.NEGATIVE_INFINITY;
  #revision = 0;
  #rejections = 0;

  constructor(options: StateOptions) {
    const reader = new Reader();
    const initial = parseWorkload(reader, { ...options.initialWorkload }, options.loadRuleParts);
    if (reader.errors.length > 0) throw new WeftError('WEFT_CONFIG_ENVIRONMENT', reader.errors.join('; '));
    this.#options = options;
    this.#clock = options.clock;
    this.#locality = { node: options.node, zone: options.zone };
    this.#workloadKey = formatKey({ kind: 'workload', namespace: options.namespace, pod: options.pod });
    this.#seed = hashText(this.#workloadKey);
    this.#destinations = new DestinationTable(options.maxDestinations ?? DEFAULT_MAX_DESTINATIONS);
    this.#inbound = new InboundPorts(initial, options.loadRegexEngine, options.loadRuleParts);
  }

  /** Connects the state to where keys are asked for; what was looked up or restored before is subscribed now. */
  attach(subscriptions: Subscriptions): void {
    this.#subscriptions = subscriptions;
    for (const slot of this.#destinations.slots()) subscriptions.subscribe(slot.key);
  }

  /**
   * Applies a batch and returns the keys that the source has to hear about: those refused, which keep their last good value, and those applied without
   * a rule of unknown type or with an expression that the engine refuses (`applied` is true there).
   */
  apply(changes: readonly Change[]): RejectedKey[] {
    this.contact();
    const rejected: RejectedKey[] = [];
    for (const change of changes) {
      const reader = new Reader();
      this.#applyOne(change, reader);
      const problems = [...reader.errors, ...reader.denials];
      if (problems.length > 0) rejected.push({ key: change.key, problems, applied: reader.errors.length === 0 });
    }
    this.#rejections += rejected.length;
    this.#announce();
    return rejected;
  }

  connectionChanged(connected: boolean): void {
    this.#connected = connected;
    if (connected) this.contact();
  }

  /** The source heard from its peer (any message, also a pong): staleness counts from here. */
  contact(): void {
    this.#lastContactMs = this.#clock.nowMs();
  }

  /**
   * The place of an original destination, subscribed to at its first use; its `entry` is null until it is answered. `ip` in the form that the control
   * plane writes (RFC 5952). Watch it from accept to close: what nobody watches may be released.
   */
  destination(ip: string, port: number): Destination {
    const nowMs = this.#clock.nowMs();
    const known = this.#destinations.find(ip, port);
    if (known !== undefined) {
      known.lastUsedMs = nowMs;
      return known;
    }
    const slot = new DestinationSlot(ip, port, nowMs);
    if (this.#destinations.full) this.#makeRoom(nowMs);
    // With every place in use the connection gets an unseen destination of its own, which nobody will answer.
    if (this.#destinations.full) return slot;
    this.#destinations.add(slot);
    this.#subscriptions?.subscribe(slot.key);
    return slot;
  }

  watch(destination: Destination, watcher: DestinationWatcher): void {
    if (destination instanceof DestinationSlot) destination.watchers.add(watcher);
  }

  unwatch(destination: Destination, watcher: DestinationWatcher): void {
    if (!(destination instanceof DestinationSlot)) return;
    destination.watchers.delete(watcher);
    destination.lastUsedMs = this.#clock.nowMs();
  }

  inboundPort(port: number): InboundPort {
    return this.#inbound.slot(port);
  }

  watchPort(port: InboundPort, watcher: InboundPortWatcher): void {
    this.#inbound.watch(port.port, watcher);
  }

  unwatchPort(port: InboundPort, watcher: InboundPortWatcher): void {
    this.#inbound.unwatch(port.port, watcher);
  }

  get settings(): WorkloadSettings {
    return this.#inbound.settings;
  }

  /** Own zone, given or learned; empty = not known. */
  get zone(): string {
    return this.#locality.zone;
  }

  get trust(): TrustEntry | null {
    return this.#trust;
  }

  watchTrust(watcher: TrustWatcher): void {
    this.#trustWatchers.add(watcher);
  }

  /** For the first message of a configuration connection. */
  held(): { key: string; version: string; sources: string }[] {
    return this.#held.list();
  }

  /** JSON of what is held, to be kept beside the key. */
  persist(): string {
    return this.#held.persist((key, sources) => JSON.stringify({ sources, endpoints: this.#factsOf(key) }));
  }

  #factsOf(key: string): Endpoint[] {
    return this.#pools.get(key)?.endpoints.map((endpoint) => endpoint.facts) ?? [];
  }

  /** Applies what an earlier life of the container wrote (`persist`, parsed); hostile like anything read from disk. Says nothing about contact with the source. */
  restore(snapshot: unknown): RejectedKey[] {
    const resources = readSnapshot(snapshot);
    if (resources === null) return [{ key: '', problems: ['not a snapshot of this format'] }];
    const contactMs = this.#lastContactMs;
    // What an earlier release has kept may say less than its version now stands for: it serves, and is asked for anew.
    const rejected = this.apply(
      resources.map(({ key, version, body }): Change => {
        return { op: 'set', key, version: isOlderBody(body) ? '' : version, body };
      }),
    );
    this.#lastContactMs = contactMs;
    return rejected;
  }

  /**
   * Unsubscribes and forgets destinations without watchers that were not looked up for `idleMs` (10 minutes or more in production). Returns the keys.
   * Does nothing while the source is away: what is forgotten then could not be learned again.
   */
  releaseIdle(idleMs: number): string[] {
    if (!this.#connected) return [];
    return this.#release(this.#destinations.idle(this.#clock.nowMs() - idleMs));
  }

  /** Everything that is known about the Services that are called. */
  *services(): Generator<ServiceEntry> {
    for (const { entry } of this.#destinations.slots()) if (entry?.kind === 'service') yield entry;
  }

  get status(): StateStatus {
    return {
      connected: this.#connected,
      lastContactMs: this.#lastContactMs,
      workloadArrived: this.#held.get(this.#workloadKey) !== undefined,
      destinations: this.#destinations.size,
      resources: this.#held.size,
      revision: this.#revision,
      rejections: this.#rejections,
    };
  }

  /** A tenth at a time, so that a scan does not pay for a sort per address. */
  #makeRoom(nowMs: number): void {
    const idle = this.#destinations.idle(nowMs);
    this.#release(idle.slice(0, Math.max(1, Math.ceil(this.#destinations.size / 10))));
  }

  #release(slots: readonly DestinationSlot[]): string[] {
    for (const slot of slots) {
      this.#destinations.remove(slot);
      this.#held.delete(slot.key);
      this.#subscriptions?.unsubscribe(slot.key);
    }
    if (slots.length > 0) this.#dropUnnamedPools();
    return slots.map((slot) => slot.key);
  }

  /** Endpoints come with the services that name them, and go with the last of those. */
  #dropUnnamedPools(): void {
    const named = new Set<string>();
    for (const { entry } of this.#destinations.slots()) {
      if (entry?.kind !== 'service') continue;
      for (const { dispatch } of entry.backends) if (dispatch.type === 'balance') named.add(dispatch.pool.key);
    }
    for (const key of this.#pools.keys()) {
      if (named.has(key)) continue;
      this.#pools.delete(key);
      this.#held.delete(key);
    }
  }

  #applyOne(change: Change, reader: Reader): void {
    const key = parseKey(change.key);
    if (key === null) {
      reader.fail('key', 'a key of the contract');
      return;
    }
    if (change.op === 'delete') this.#delete(key, change.key);
    else if (change.op === 'patch') this.#patch(change, key, reader);
    else this.#set(change, key, reader);
  }

  #set(change: SetChange, key: ResourceKey, reader: Reader): void {
    const fields = reader.object(change.body, 'body');
    reader.text(fields['sources'], 'sources');
    reader.text(change.version, 'version');
    const commit = this.#prepare(key, change, fields, reader);
    if (reader.errors.length > 0) return;
    commit();
    const text = key.kind === 'endpoints' ? null : JSON.stringify(change.body);
    this.#held.set(change.key, { version: change.version, sources: change.body.sources, text });
    this.#revision++;
  }

  /** Reads and builds; what it returns puts the result in place. Nothing has changed until then. */
  #prepare(key: ResourceKey, change: SetChange, fields: Fields, reader: Reader): () => void {
    switch (key.kind) {
      case 'workload': {
        if (change.key !== this.#workloadKey) reader.fail('key', this.#workloadKey);
        const workload = parseWorkload(reader, fields, this.#options.loadRuleParts);
        return () => this.#inbound.replace(workload, reader);
      }
      case 'endpoints': {
        const endpoints = parseEndpointList(reader, fields['endpoints'], 'endpoints');
        return () => this.#replaceEndpoints(change.key, change.version, endpoints);
      }
      case 'service': {
        const parsed = parseServiceResource(reader, fields);
        return () => {
          const slot = this.#slot(key.ip, key.port);
          this.#destinations.answer(slot, buildEntry(parsed, reader, this.#context(change, slot)));
        };
      }
      case 'trust': {
        const anchorsPem = reader.text(fields['anchorsPem'], 'anchorsPem');
        if (!anchorsPem.includes('-----BEGIN CERTIFICATE-----')) reader.fail('anchorsPem', 'PEM certificates');
        return () => this.#replaceTrust({ version: change.version, anchorsPem });
      }
    }
  }

  #context(change: SetChange, slot: DestinationSlot) {
    return {
      key: change.key,
      address: slot,
      version: change.version,
      previous: slot.entry,
      nowMs: this.#clock.nowMs(),
      loadEngine: this.#options.loadRegexEngine,
      pool: (key: string) => this.#pool(key),
    };
  }

  /** The place of an answer; also for one that was not asked for (restored, or pushed). */
  #slot(ip: string, port: number): DestinationSlot {
    const known = this.#destinations.find(ip, port);
    if (known !== undefined) return known;
    const slot = new DestinationSlot(ip, port, this.#clock.nowMs());
    this.#destinations.add(slot);
    return slot;
  }

  #pool(key: string): EndpointPool {
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = new EndpointPool(key, this.#seed);
      this.#pools.set(key, pool);
    }
    return pool;
  }

  #replaceEndpoints(key: string, version: string, endpoints: readonly Endpoint[]): void {
    if (this.#locality.zone === '') this.#learnZone(endpoints);
    const pool = this.#pool(key);
    const before = pool.protocol;
    pool.replace(version, endpoints, this.#locality, this.#clock.nowMs());
    if (pool.protocol !== before && pool.protocol !== 'detect') this.#declared.add(pool);
  }

  /** Who shares our node shares our zone. */
  #learnZone(endpoints: readonly Endpoint[]): void {
    const { node } = this.#locality;
    const zone = node === '' ? undefined : endpoints.find((endpoint) => endpoint.node === node)?.zone;
    if (zone === undefined || zone === '') return;
    this.#locality = { node, zone };
    for (const pool of this.#pools.values()) pool.relocate(this.#locality);
  }

  #replaceTrust(trust: TrustEntry): void {
    this.#announceTrust = this.#trust?.anchorsPem !== trust.anchorsPem;
    this.#trust = trust;
  }

  #patch(change: Extract<Change, { op: 'patch' }>, key: ResourceKey, reader: Reader): void {
    if (key.kind !== 'endpoints') {
      reader.fail('op', 'patch for endpoints only');
      return;
    }
    const held = this.#held.get(change.key);
    // Released here while the patch was under way: there is nobody to tell.
    if (held === undefined && !this.#pools.has(change.key)) return;
    if (held?.version !== change.baseVersion) {
      reader.fail('baseVersion', held === undefined ? 'a held resource' : held.version);
      return;
    }
    const endpoints = mergePatch(this.#factsOf(change.key), change, reader);
    const { version } = change;
    const sources = reader.text(change.sources, 'sources');
    reader.text(version, 'version');
    if (reader.errors.length > 0) return;
    this.#replaceEndpoints(change.key, version, endpoints);
    this.#held.set(change.key, { version, sources, text: null });
    this.#revision++;
  }

  #delete(key: ResourceKey, text: string): void {
    // A terminating pod outlives its object, and trust is never withdrawn without a successor: both keep their last value.
    if (key.kind === 'workload' || key.kind === 'trust') return;
    this.#held.delete(text);
    this.#revision++;
    if (key.kind === 'endpoints') this.#pools.get(text)?.replace('', [], this.#locality, this.#clock.nowMs());
    const slot = key.kind === 'service' ? this.#destinations.find(key.ip, key.port) : undefined;
    if (slot !== undefined) this.#destinations.answer(slot, null);
  }

  #announce(): void {
    this.#destinations.announce();
    if (this.#declared.size > 0) this.#destinations.announceProtocol(this.#declared);
    this.#declared.clear();
    this.#inbound.announce();
    if (!this.#announceTrust || this.#trust === null) return;
    this.#announceTrust = false;
    for (const watcher of this.#trustWatchers) watcher.trustChanged(this.#trust);
  }
}
