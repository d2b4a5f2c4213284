import { ResourceCache } from '../../crds/compile/resource-cache.ts';
import type { ObjectRefText } from '../../crds/state/object-ref.ts';
import { compareText } from '../../crds/state/order.ts';
import type { ReadKey } from '../../crds/state/view.ts';
import type { ReceivedProxyMessage } from '../../proxy-image/contract/check.ts';
import type { ControlPlaneErrorCode } from '../../proxy-image/contract/control-plane-errors.ts';
import { encodeFrame } from '../../proxy-image/contract/framing.ts';
import { TRUST_KEY } from '../../proxy-image/contract/keys.ts';
import type { Hello } from '../../proxy-image/contract/messages.ts';
import type { Clock } from '../runtime/clock.ts';
import { HEARING_MS, LATE_MS } from '../runtime/peer-deadline.ts';
import type { LeafTerms } from '../status/leaf-terms.ts';
import { judge } from './admission.ts';
import { ChangeEncoder } from './encoding.ts';
import { handOver } from './hand-over.ts';
import { LeafRenewals } from './leaf.ts';
import type { Peer, PeerHandler } from './peer.ts';
import { programmed } from './programmed.ts';
import type { Progress } from './progress.ts';
import type { Connections, FactsWatcher, ProxyFacts } from './proxy-facts.ts';
import { reporterOf } from './reporter.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionReport } from './session-report.ts';
import { isCurrent } from './subscription.ts';
import type { TrafficReports, TrustHeld } from './types.ts';

/** A connection from its first byte on; it has a session once its hello was accepted. */
interface Client {
  peer: Peer;
  /** These by the awake clock. */
  connectedAtMs: number;
  heardAtMs: number;
  hello: Hello | null;
  session: Session | null;
  /** The pod of the hello has been seen in the store. */
  podKnown: boolean;
  /** `null`: none are asked for. */
  reports: ReturnType<TrafficReports['connected']> | null;
}

type Shared = Omit<SessionContext<Session>, 'awakeMs' | 'cache' | 'encoder' | 'progressed' | 'wake'>;

/**
 * Carries changes from the state to the sessions. Work is done in slices of the event loop: what was invalidated is compiled, the sessions
 * concerned are marked, and each writes one batch; a burst of events between two slices costs one compilation and one batch.
 */
export class Distribution {
  readonly facts: ProxyFacts;
  readonly #context: SessionContext<Session>;
  readonly #clock: Clock;
  readonly #progress: Progress;
  readonly #watchers = new Set<FactsWatcher>();
  readonly #clients = new Set<Client>();
  readonly #sessions = new Map<string, Client>();
  readonly #waiting = new Set<Session>();
  readonly #reports: TrafficReports | undefined;
  readonly #renewals: LeafRenewals;
  /** Milliseconds in which this process was not there to hear anybody. */
  #lostMs = 0;
  #synced = false;
  #scheduled = false;

  constructor(shared: Shared, progress: Progress, reports?: TrafficReports, leafTerms?: () => LeafTerms | null) {
    const encoder = new ChangeEncoder<Session>();
    const cache = new ResourceCache<Session>(shared.state, {
      changed: (resource, previous) => {
        encoder.noteChange(resource, previous);
        this.#note(resource.uses);
      },
      used: (objects) => this.#note(objects),
      compiled: (resource, changed, durationMs) => shared.metrics.compiled(resource.key.kind, durationMs, changed),
      failed: (resource, error) => {
        shared.log.error('a resource could not be compiled', {
          key: resource.keyText,
          error: error.stack ?? error.message,
        });
      },
      now: () => shared.clock.nowMs(),
    });
    this.#context = {
      ...shared,
      cache,
      encoder,
      awakeMs: () => this.#awakeMs,
      progressed: (resource) => this.#note(resource.uses),
      wake: (session) => {
        this.#waiting.add(session);
        this.#schedule();
      },
    };
    this.#clock = shared.clock;
    this.#progress = progress;
    this.#reports = reports;
    this.#renewals = new LeafRenewals(leafTerms ?? (() => null), shared.clock);
    this.facts = this.#createFacts();
  }

  get cache(): ResourceCache<Session> {
    return this.#context.cache;
  }

  /** Takes a connection whose certificate has been verified. */
  accept(peer: Peer): PeerHandler {
    const nowMs = this.#awakeMs;
    const client: Client = {
      peer,
      connectedAtMs: nowMs,
      heardAtMs: nowMs,
      hello: null,
      session: null,
      podKnown: false,
      reports: null,
    };
    this.#clients.add(client);
    this.#context.metrics.connected(this.#clients.size);
    return {
      received: (message) => this.#receive(client, message),
      drained: () => client.session?.pump(),
      closed: () => this.#forget(client),
    };
  }

  storesSynced(): void {
    if (this.#synced) return;
    this.#synced = true;
    for (const client of this.#clients) {
      if (client.hello === null) continue;
      client.peer.resume();
      this.#open(client, client.hello);
    }
    this.#schedule();
  }

  invalidate(reads: Iterable<ReadKey>): void {
    this.#context.cache.invalidate(reads);
    if (this.#context.cache.stale) this.#schedule();
  }

  /**
   * What only time brings about: peers that fell silent, pods that never came, keys that were withheld. `lateMs`: so much later than it should. Then what the
   * proxies have said meanwhile is heard first, and they are not said to have been silent for that long.
   */
  sweep(lateMs: number): void {
    if (lateMs <= LATE_MS) {
      this.#judge();
      return;
    }
    this.#lostMs += lateMs;
    this.#clock.schedule(HEARING_MS, () => this.#judge());
  }

  get #awakeMs(): number {
    return this.#clock.nowMs() - this.#lostMs;
  }

  #judge(): void {
    const nowMs = this.#awakeMs;
    for (const client of this.#clients) {
      const verdict = this.#verdict(client, nowMs);
      if (verdict !== null) client.peer.close(...verdict);
      else client.session?.reconsider();
    }
    if (this.#renewals.terms !== null) this.#renewals.ask([...this.#sessions.values()].map(({ peer }) => peer));
  }

  connections(): Connections {
    const sessions = [...this.#sessions.values()].flatMap(({ session }) => session ?? []);
    return { connected: sessions.length, current: sessions.filter((session) => session.current).length };
  }

  /** How many have acknowledged this very bundle, and how many have a certificate as it has to be. */
  trustHeld(anchorsPem: string): TrustHeld {
    const held: TrustHeld = { names: [], connected: 0, anchors: 0, leaves: 0 };
    for (const { session, peer } of this.#sessions.values()) {
      const trust = session?.subscription(TRUST_KEY);
      if (session === null || trust === undefined) continue;
      held.names.push(session.name);
      const body = trust.audience.resource.compiled?.body;
      const isOfIt = body != null && 'anchorsPem' in body && body.anchorsPem === anchorsPem;
      held.connected += 1;
      if (isOfIt && isCurrent(trust)) held.anchors += 1;
      if (peer.leaf.meets(this.#renewals.terms)) held.leaves += 1;
    }
    return held;
  }

  /** Of the proxies of one namespace, or of all where it is `null`, by their names: what each has not the newest of. */
  reports(namespace: string | null): SessionReport[] {
    return [...this.#sessions.values()]
      .flatMap(({ session }) => session ?? [])
      .filter((session) => namespace === null || session.namespace === namespace)
      .toSorted((a, b) => compareText(a.name, b.name))
      .map((session) => session.report(false));
  }

  /** `null`: it has no connection to this replica. */
  report(namespace: string, pod: string): SessionReport | null {
    return this.#sessions.get(`${namespace}/${pod}`)?.session?.report(true) ?? null;
  }

  /** Ends the connections of proxies, a few at a time, while the others are served: each finds another replica. */
  handOver(): Promise<void> {
    const { handOverPerSecond: perSecond, handOverMs: withinMs } = this.#context.limits;
    const end = ({ peer }: Client) => peer.close('WEFT_SERVE_STOPPING', '');
    return handOver([...this.#sessions.values()], end, { perSecond, withinMs }, this.#clock);
  }

  /** Ends every connection that is left. */
  close(): void {
    for (const { peer } of this.#clients) peer.close('WEFT_SERVE_STOPPING', '');
  }

  #receive(client: Client, message: ReceivedProxyMessage): void {
    client.heardAtMs = this.#awakeMs;
    const { peer, session } = client;
    if (message.type === 'hello') this.#greet(client, message);
    else if (session === null) peer.close('WEFT_SERVE_PROTOCOL', `${message.type} before hello`);
    else if (message.type === 'ping') peer.pong();
    else if (message.type === 'traffic') client.reports?.received(message.report);
    else if (message.type === 'certificate') peer.leaf.said(message.chainPem, peer.identity, this.#renewals.terms);
    else this.#pass(session, message);
  }

  #pass(
    session: Session,
    message: Exclude<ReceivedProxyMessage, { type: 'hello' | 'ping' | 'traffic' | 'certificate' }>,
  ): void {
    switch (message.type) {
      case 'subscribe':
        session.subscribe(message.keys);
        break;
      case 'unsubscribe':
        session.unsubscribe(message.keys);
        break;
      case 'ack':
        session.acknowledge(message.seq);
        return;
      case 'nack':
        session.reject(message.seq, message.key, message.problems);
        return;
    }
    this.#context.metrics.subscriptions(this.cache.size.audiences);
  }

  #greet(client: Client, hello: Hello): void {
    if (client.hello !== null) {
      client.peer.close('WEFT_SERVE_PROTOCOL', 'a second hello');
      return;
    }
    client.hello = hello;
    if (this.#synced) this.#open(client, hello);
    // Nothing is answered from half-filled stores; what else the proxy says waits in its socket.
    else client.peer.pause();
  }

  #open(client: Client, hello: Hello): void {
    const admission = judge(this.#context.state, hello, client.peer.identity);
    if (admission === 'refused') {
      client.peer.close('WEFT_SERVE_IDENTITY', `${client.peer.identity} claims ${hello.namespace}/${hello.pod}`);
      return;
    }
    client.podKnown = admission === 'admitted';
    const session = new Session(client.peer, hello, this.#context);
    this.#replace(session.name, client);
    client.session = session;
    session.start();
    this.#noteProxy(session.name);
    client.reports = this.#askForReports(client, hello, session.name);
    const { proxyVersion, revision, held } = hello;
    this.#context.log.info('proxy connected', { proxy: session.name, proxyVersion, revision, held: held.length });
  }

  #createFacts(): ProxyFacts {
    const { cache } = this;
    const sessions = this.#sessions;
    return {
      objects: () => new Set([...cache.resources].flatMap(({ uses }) => [...uses])),
      programmed: (object) => programmed(cache, object),
      connections: () => this.connections(),
      proxies: () => [...sessions].filter(([, { session }]) => session !== null).map(([name]) => name),
      connectedSinceMs: (proxy) => sessions.get(proxy)?.session?.startedAtMs ?? null,
      get stale() {
        return cache.stale;
      },
      watch: (watcher) => {
        this.#watchers.add(watcher);
        return () => this.#watchers.delete(watcher);
      },
      connectedElsewhere: (proxy, sinceMs) => {
        const before = sessions.get(proxy);
        if (before?.session == null || before.session.startedAtMs >= sinceMs) return;
        this.#letGo(before, 'WEFT_SERVE_REPLACED', 'another replica');
      },
      move: (count, minAgeMs) => this.#move(count, this.#clock.nowMs() - minAgeMs),
    };
  }

  #note(objects: Iterable<ObjectRefText>): void {
    this.#progress.note(objects);
    for (const watcher of this.#watchers) watcher.objects(objects);
  }

  #noteProxy(name: string): void {
    for (const watcher of this.#watchers) watcher.proxy(name);
  }

  #askForReports({ peer }: Client, hello: Hello, name: string): Client['reports'] {
    if (this.#reports === undefined) return null;
    return this.#reports.connected({
      name,
      reporter: () => reporterOf(this.#context.state, hello, peer.identity),
      ask: (request) => peer.write([encodeFrame(request)]),
    });
  }

  /** One connection per pod: a proxy that comes again has lost the one before, whatever this side still believes. */
  #replace(name: string, client: Client): void {
    const before = this.#sessions.get(name);
    this.#sessions.set(name, client);
    if (before !== undefined) this.#letGo(before, 'WEFT_SERVE_REPLACED', client.peer.address);
  }

  /** The proxy is connected elsewhere, or will be: it counts here no longer, though its connection may take a while to end. */
  #letGo(client: Client, code: ControlPlaneErrorCode, detail: string): void {
    const { peer, session } = client;
    if (session !== null) this.#end(client, session);
    peer.close(code, detail);
  }

  #move(count: number, sinceMs: number): number {
    const settled = [...this.#sessions.values()].filter(
      ({ session }) => session !== null && session.startedAtMs <= sinceMs && session.current,
    );
    const moved = settled.slice(0, count);
    for (const client of moved) this.#letGo(client, 'WEFT_SERVE_MOVED', '');
    return moved.length;
  }

  #end(client: Client, session: Session): void {
    this.#waiting.delete(session);
    session.end();
    if (this.#sessions.get(session.name) === client) this.#sessions.delete(session.name);
    this.#noteProxy(session.name);
  }

  /** A proxy that was let in before its pod was known gets the policy of that pod only if the pod is its own. */
  #isStillWelcome(session: Session): boolean {
    const client = this.#sessions.get(session.name);
    if (client === undefined || client.hello === null || client.podKnown) return true;
    const verdict = this.#podVerdict(client, client.hello, this.#awakeMs);
    if (verdict !== null) client.peer.close(...verdict);
    return verdict === null;
  }

  #verdict(client: Client, nowMs: number): [ControlPlaneErrorCode, string] | null {
    const { limits } = this.#context;
    const { hello, session, peer } = client;
    if (peer.expiresAtMs <= this.#clock.wallMs()) return ['WEFT_SERVE_EXPIRED', peer.identity];
    if (hello === null && nowMs - client.connectedAtMs > limits.helloTimeoutMs)
      return ['WEFT_SERVE_SILENT', 'no hello'];
    // While the stores fill, the socket is not read.
    if (hello !== null && session === null) return null;
    if (nowMs - client.heardAtMs > limits.idleTimeoutMs) return ['WEFT_SERVE_SILENT', 'no message'];
    if ((session?.waitingMs(nowMs) ?? 0) > limits.ackTimeoutMs) return ['WEFT_SERVE_SILENT', 'no ack'];
    return hello === null || client.podKnown ? null : this.#podVerdict(client, hello, nowMs);
  }

  #podVerdict(client: Client, hello: Hello, nowMs: number): [ControlPlaneErrorCode, string] | null {
    const admission = judge(this.#context.state, hello, client.peer.identity);
    client.podKnown = admission === 'admitted';
    if (admission === 'refused')
      return ['WEFT_SERVE_IDENTITY', `${client.peer.identity} claims ${hello.namespace}/${hello.pod}`];
    const late = admission === 'unknownPod' && nowMs - client.connectedAtMs > this.#context.limits.podTimeoutMs;
    return late ? ['WEFT_SERVE_POD', `${hello.namespace}/${hello.pod}`] : null;
  }

  #forget(client: Client): void {
    this.#clients.delete(client);
    client.reports?.closed();
    const { session } = client;
    if (session !== null) this.#end(client, session);
    this.#context.metrics.connected(this.#clients.size);
    this.#context.metrics.subscriptions(this.cache.size.audiences);
  }

  #schedule(): void {
    if (this.#scheduled || !this.#synced) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  /** One slice. Compiling and writing each get their time, so that neither a flood of changes nor a crowd of proxies stops the other. */
  #turn(): void {
    this.#scheduled = false;
    const { cache, limits } = this.#context;
    if (cache.stale) {
      for (const audience of cache.refresh(this.#slice(limits.compileSliceMs))) {
        for (const session of audience.subscribers) {
          if (audience.key.kind === 'workload' && !this.#isStillWelcome(session)) continue;
          session.invalidate(audience.keyText);
          this.#waiting.add(session);
        }
      }
    }
    const more = this.#slice(limits.writeSliceMs);
    // Those who ask for another turn while they are served get it after the others.
    for (const session of [...this.#waiting]) {
      this.#waiting.delete(session);
      session.pump();
      if (!more()) break;
    }
    if (cache.stale || this.#waiting.size > 0) this.#schedule();
  }

  #slice(lengthMs: number): () => boolean {
    const endMs = this.#clock.nowMs() + lengthMs;
    return () => this.#clock.nowMs() < endMs;
  }
}
