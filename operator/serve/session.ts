import { canonicalKey } from '../../crds/compile/compile.ts';
import type { Kept } from '../../crds/compile/resource-cache.ts';
import { compareRevisions, compareText } from '../../crds/state/order.ts';
import { formatKey, type ResourceKey, TRUST_KEY } from '../../proxy-image/contract/keys.ts';
import type { Hello } from '../../proxy-image/contract/messages.ts';
import { Batch, type SentItem } from './batch.ts';
import type { Peer } from './peer.ts';
import type { SessionContext } from './session-context.ts';
import { reportOf, type SessionReport } from './session-report.ts';
import { createSubscription, isBehind, isCurrent, reject, type Subscription } from './subscription.ts';

/** A key that nobody asked for before costs some 50 µs to compile. */
const KEYS_PER_TURN = 100;
const NO_PROBLEMS: readonly string[] = [];

interface InFlight {
  seq: number;
  items: readonly SentItem<Session>[];
  sentAtMs: number;
}

/**
 * One proxy: what it is subscribed to, what it holds, and the one batch that is on its way. Between two batches nothing is kept but the set
 * of dirty keys, so that a slow proxy costs no more memory than a fast one.
 */
export class Session {
  readonly name: string;
  readonly namespace: string;
  /** Monotonic. */
  readonly startedAtMs: number;
  readonly #peer: Peer;
  readonly #context: SessionContext<Session>;
  readonly #ownKey: ResourceKey;
  /** Of the contract, that the proxy knows. */
  readonly #revision: number;
  readonly #hello: Pick<Hello, 'pod' | 'proxyVersion'>;
  /** 0: nothing has been acknowledged. */
  #acknowledgedAtMs = 0;
  readonly #subscriptions = new Map<string, Subscription<Session>>();
  /** Asked for, and not subscribed to yet: compiling thousands of keys must not hold up everybody else. */
  readonly #asked = new Map<string, ResourceKey>();
  /** Subscriptions to look at, in the order in which they became dirty. */
  readonly #dirty = new Set<Subscription<Session>>();
  readonly #withheld = new Set<Subscription<Session>>();
  /** What the proxy said it holds and nothing has claimed yet. */
  readonly #resumed: Map<string, { version: string; sources: string }>;
  /** Endpoints that were sent and that nothing names any more. */
  readonly #dropped = new Set<string>();
  #inFlight: InFlight | null = null;
  #seq = 0;
  #closed = false;

  constructor(peer: Peer, hello: Hello, context: SessionContext<Session>) {
    this.#peer = peer;
    this.#context = context;
    this.name = `${hello.namespace}/${hello.pod}`;
    this.namespace = hello.namespace;
    this.#revision = hello.revision;
    this.#hello = { pod: hello.pod, proxyVersion: hello.proxyVersion };
    this.startedAtMs = context.clock.nowMs();
    this.#ownKey = { kind: 'workload', namespace: hello.namespace, pod: hello.pod };
    const held = hello.held.slice(0, context.limits.maxSubscriptions);
    this.#resumed = new Map(held.map(({ key, version, sources }) => [key, { version, sources }]));
  }

  /** Pushes workload and trust, then goes on with the services that the proxy already holds. */
  start(): void {
    this.#subscribe(this.#ownKey);
    this.#subscribe({ kind: 'trust' });
    for (const key of [...this.#resumed.keys()]) {
      const parsed = canonicalKey(key);
      if (parsed?.key.kind === 'service') this.#asked.set(key, parsed.key);
    }
    this.pump();
  }

  subscribe(keys: readonly string[]): void {
    for (const text of keys) {
      const parsed = canonicalKey(text);
      if (parsed === null) continue;
      if (parsed.key.kind === 'workload' && text !== formatKey(this.#ownKey)) {
        this.#peer.close('WEFT_SERVE_IDENTITY', `${this.name} asked for ${text.slice(0, 300)}`);
        return;
      }
      if (this.#mayAsk(text)) this.#asked.set(text, parsed.key);
      else this.#context.metrics.refused('WEFT_SERVE_LIMIT');
    }
    this.pump();
  }

  unsubscribe(keys: readonly string[]): void {
    for (const key of keys) {
      this.#asked.delete(key);
      const subscription = this.#subscriptions.get(key);
      // Workload and trust belong to the connection.
      if (subscription?.explicit !== true || key === TRUST_KEY || key === formatKey(this.#ownKey)) continue;
      subscription.explicit = false;
      this.#releaseUnused(subscription);
    }
    this.pump();
  }

  /** The key has another version, or may be looked at again. */
  invalidate(keyText: string): void {
    const subscription = this.#subscriptions.get(keyText);
    if (subscription !== undefined) this.#touch(subscription);
  }

  /** Looks again at the keys that were withheld because this replica was behind. */
  reconsider(): void {
    for (const subscription of this.#withheld) this.#dirty.add(subscription);
    if (this.#withheld.size > 0) this.pump();
  }

  acknowledge(seq: number): void {
    const sent = this.#inFlight;
    if (sent?.seq !== seq) {
      this.#peer.close('WEFT_SERVE_PROTOCOL', `ack of ${seq}, expected ${sent?.seq ?? 'none'}`);
      return;
    }
    this.#inFlight = null;
    const nowMs = this.#context.clock.nowMs();
    this.#acknowledgedAtMs = nowMs;
    for (const { subscription, compiled, sinceMs } of sent.items) {
      if (subscription.rejectedVersion !== compiled.version) this.#hold(subscription, compiled);
      this.#context.metrics.acknowledged(nowMs - sinceMs);
      this.#context.progressed(subscription.audience.resource);
    }
    this.pump();
  }

  /** The proxy keeps its last good value of `key`; the version is not sent again. */
  reject(seq: number, key: string, problems: readonly string[]): void {
    const item =
      this.#inFlight?.seq === seq ? this.#inFlight.items.find((each) => each.subscription.keyText === key) : undefined;
    if (item === undefined) return;
    reject(item.subscription, item.compiled.version, problems, this.#context.clock.nowMs());
    this.#context.progressed(item.subscription.audience.resource);
    this.#context.metrics.rejected(key);
    this.#context.log.warn('proxy refused a resource', { proxy: this.name, key, problems });
  }

  /** Sends what is dirty, unless a batch is on its way or the socket is full: then its ack, or the drain, comes back here. */
  pump(): void {
    if (this.#closed) return;
    this.#takeAsked();
    if (this.#inFlight !== null || !this.#peer.writable) return;
    const batch = new Batch<Session>(this.#context, this.#revision);
    for (const subscription of this.#dirty) {
      this.#dirty.delete(subscription);
      this.#collect(subscription, batch);
      if (batch.full) break;
    }
    this.#drop(batch);
    if (batch.empty) return;
    this.#seq += 1;
    this.#inFlight = { seq: this.#seq, items: batch.items, sentAtMs: this.#context.awakeMs() };
    this.#peer.write(batch.encode(this.#seq));
  }

  /** Milliseconds that the oldest unanswered batch has been waiting for, by the awake clock; 0: none is. */
  waitingMs(nowMs: number): number {
    return this.#inFlight === null ? 0 : nowMs - this.#inFlight.sentAtMs;
  }

  get current(): boolean {
    return this.#inFlight === null && this.#dirty.size === 0 && this.#withheld.size === 0 && this.#asked.size === 0;
  }

  subscription(keyText: string): Subscription<Session> | undefined {
    return this.#subscriptions.get(keyText);
  }

  /** Since when the proxy has not had the newest of this key; 0: it has. */
  behindSinceMs(subscription: Subscription<Session>): number {
    if (isCurrent(subscription)) return 0;
    const sent = this.#inFlight?.items.find((item) => item.subscription === subscription);
    return sent?.sinceMs ?? (subscription.dirtySinceMs || subscription.withheldSinceMs || subscription.rejectedAtMs);
  }

  /** @param every resource, or only those of which the proxy has not the newest; in the order of their keys */
  report(every: boolean): SessionReport {
    const nowMs = this.#context.clock.nowMs();
    const sent = new Set(this.#inFlight?.items.map(({ subscription }) => subscription));
    const resources = [...this.#subscriptions.values()]
      .filter((subscription) => every || !isCurrent(subscription))
      .map((each) => reportOf(each, sent.has(each), this.behindSinceMs(each), nowMs));
    return {
      namespace: this.namespace,
      ...this.#hello,
      identity: this.#peer.identity,
      address: this.#peer.address,
      revision: this.#revision,
      connectedMs: nowMs - this.startedAtMs,
      acknowledgedMs: this.#acknowledgedAtMs === 0 ? null : nowMs - this.#acknowledgedAtMs,
      subscribed: this.#subscriptions.size,
      resources: resources.toSorted((a, b) => compareText(a.key, b.key)),
    };
  }

  /** The connection is gone; nobody waits for its acks any more. */
  end(): void {
    this.#closed = true;
    for (const subscription of this.#subscriptions.values()) this.#forget(subscription);
    this.#subscriptions.clear();
    this.#asked.clear();
    this.#dirty.clear();
    this.#withheld.clear();
  }

  #mayAsk(text: string): boolean {
    if (this.#subscriptions.has(text) || this.#asked.has(text)) return true;
    return this.#subscriptions.size + this.#asked.size < this.#context.limits.maxSubscriptions;
  }

  #takeAsked(): void {
    let left = KEYS_PER_TURN;
    for (const [text, key] of this.#asked) {
      if (left === 0) break;
      left -= 1;
      this.#asked.delete(text);
      this.#subscribe(key);
    }
    if (this.#asked.size > 0) this.#context.wake(this);
  }

  #subscribe(key: ResourceKey): void {
    this.#acquire(key).explicit = true;
  }

  #acquire(key: ResourceKey): Subscription<Session> {
    const keyText = formatKey(key);
    const known = this.#subscriptions.get(keyText);
    if (known !== undefined) return known;
    const audience = this.#context.cache.subscribe(key, this.namespace, this);
    const subscription = createSubscription(audience, this.#resumed.get(keyText));
    this.#resumed.delete(keyText);
    this.#dropped.delete(keyText);
    this.#subscriptions.set(audience.keyText, subscription);
    this.#touch(subscription);
    this.#context.progressed(audience.resource);
    return subscription;
  }

  #touch(subscription: Subscription<Session>): void {
    if (subscription.dirtySinceMs === 0) subscription.dirtySinceMs = this.#context.clock.nowMs();
    this.#dirty.add(subscription);
  }

  #releaseUnused(subscription: Subscription<Session>): void {
    if (subscription.explicit || subscription.impliedBy > 0) return;
    this.#subscriptions.delete(subscription.keyText);
    this.#dirty.delete(subscription);
    this.#withheld.delete(subscription);
    // If it is wanted again before the proxy was told, it is sent whole: the proxy may have let go of it by itself.
    if (subscription.audience.key.kind === 'endpoints') this.#dropped.add(subscription.keyText);
    for (const name of subscription.names) this.#releaseName(name);
    this.#forget(subscription);
  }

  #releaseName(name: string): void {
    const named = this.#subscriptions.get(name);
    if (named === undefined) return;
    named.impliedBy -= 1;
    this.#releaseUnused(named);
  }

  #forget(subscription: Subscription<Session>): void {
    this.#context.cache.unsubscribe(subscription.audience, this);
    this.#context.progressed(subscription.audience.resource);
  }

  /** Puts one key and the keys it names into the batch, dependencies first. */
  #collect(subscription: Subscription<Session>, batch: Batch<Session>): void {
    this.#dirty.delete(subscription);
    const sinceMs = subscription.dirtySinceMs;
    subscription.dirtySinceMs = 0;
    const { compiled } = subscription.audience.resource;
    if (compiled === null || compiled.version === subscription.rejectedVersion) return;
    for (const named of this.#follow(subscription, compiled)) this.#collect(named, batch);
    if (this.#mustWithhold(subscription, compiled)) return;
    if (isBehind(subscription)) batch.add(subscription, compiled, sinceMs);
    else this.#settle(subscription, compiled);
  }

  /** Subscribes to what the service names now, and returns what of it is to be sent. What it named before stays until the proxy has agreed. */
  #follow(subscription: Subscription<Session>, { names }: Kept): Subscription<Session>[] {
    for (const name of names) {
      const parsed = subscription.names.includes(name) ? null : canonicalKey(name);
      if (parsed === null) continue;
      this.#acquire(parsed.key).impliedBy += 1;
      subscription.names = [...subscription.names, name];
    }
    return names.flatMap((name) => this.#subscriptions.get(name) ?? []).filter((named) => this.#dirty.has(named));
  }

  #hold(subscription: Subscription<Session>, compiled: Kept): void {
    subscription.heldVersion = compiled.version;
    // What this replica has sent is never newer than what it sends later.
    subscription.heldSources = '';
    subscription.rejectedVersion = '';
    subscription.problems = NO_PROBLEMS;
    this.#settle(subscription, compiled);
  }

  /** The proxy has this version: what only an earlier one named is let go. */
  #settle(subscription: Subscription<Session>, { names }: Kept): void {
    const left = subscription.names.filter((name) => !names.includes(name));
    // The array that all proxies share, though it says the same.
    if (left.length > 0 || names.length === subscription.names.length) subscription.names = names;
    for (const name of left) this.#releaseName(name);
  }

  /** A proxy may come from a replica that has seen more than this one: what it holds is not replaced by something older. */
  #mustWithhold(subscription: Subscription<Session>, compiled: Kept): boolean {
    const { clock, limits } = this.#context;
    const nowMs = clock.nowMs();
    const since = subscription.withheldSinceMs || nowMs;
    const waits =
      subscription.heldVersion !== compiled.version &&
      !this.#isNewEnough(subscription) &&
      nowMs - since < limits.withholdMs;
    subscription.withheldSinceMs = waits ? since : 0;
    if (waits && !this.#withheld.has(subscription)) this.#context.metrics.withheld(subscription.keyText);
    if (waits) this.#withheld.add(subscription);
    else this.#withheld.delete(subscription);
    return waits;
  }

  #isNewEnough({ audience, heldSources }: Subscription<Session>): boolean {
    if (heldSources === '') return true;
    const { cache, state } = this.#context;
    const reached = (revision: string) => compareRevisions(revision, heldSources) >= 0;
    if (reached(audience.resource.sources) || reached(audience.sources) || reached(state.position())) return true;
    cache.refreshSources(audience.resource);
    return reached(audience.resource.sources);
  }

  /** Tells the proxy what it need not keep. What it resumed with may still be named by a service that it has not taken the newest of. */
  #drop(batch: Batch<Session>): void {
    for (const keyText of this.#dropped) batch.drop(keyText);
    this.#dropped.clear();
    if (this.#resumed.size === 0 || !batch.empty || !this.#allCurrent()) return;
    for (const keyText of this.#resumed.keys()) batch.drop(keyText);
    this.#resumed.clear();
  }

  #allCurrent(): boolean {
    return this.current && [...this.#subscriptions.values()].every(isCurrent);
  }
}
