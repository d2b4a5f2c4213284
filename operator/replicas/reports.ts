import { formatRef, type ObjectRef, type ObjectRefText, parseRef } from '../../crds/state/object-ref.ts';
import type { ObjectMeta } from '../../crds/types/object-meta.ts';
import type { Random } from '../../lib/clock.ts';
import { TokenBucket } from '../../lib/rate.ts';
import type { ControlPlaneErrorCode } from '../../proxy-image/contract/control-plane-errors.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Component } from '../runtime/manager.ts';
import type { ProxyFacts } from '../serve/proxy-facts.ts';
import { merged } from '../status/merge.ts';
import type { Programmed, Progress } from '../status/programmed.ts';
import { Follow, type FollowOptions, type MeshCredentials, type Missing } from './follow.ts';
import { Generations } from './generations.ts';
import { SILENT_MS } from './messages.ts';
import type { Mover } from './mover.ts';
import type { Part, PartChange } from './part.ts';
import type { Replicas } from './replicas.ts';
import { type Twice, TwiceConnected } from './twice-connected.ts';
import { laggingText, missingText, NO_REPLICA_KNOWN, NOT_LEADING, TWICE_TEXT } from './unseen.ts';

/**
 * What a replica does not report for less than this is waited for, and statuses stay as they are: a rollout, a new leader and a connection that is made anew take seconds,
 * and thousands of objects are not written twice for that.
 */
export const PATIENCE_MS = 30_000;
/** Lines about replicas that do not report, of whatever kind. */
const LINES = { burst: 10, intervalMs: 10_000 };

export interface ReplicaReportsOptions {
  replicas: Pick<Replicas, 'followed' | 'areKnown'>;
  /** Pod of this replica. */
  podName: string;
  /** False: this process has not the role `config`, so that no proxy is connected to it. */
  servesProxies: boolean;
  /** What this replica has itself; `null` before it serves. */
  own(): ProxyFacts | null;
  credentials(): MeshCredentials | null;
  ownIdentity(): string;
  mover: Pick<Mover, 'keep'>;
  /** What `progress` says of these may be another thing. */
  progressed(objects: readonly ObjectRef[]): void;
  /** … of every object. */
  visibilityChanged(): void;
  /** Where the address of a pod is to be found; where it is, unless replicas of a test share one. */
  addressOf?: (address: string) => string;
  /** `PATIENCE_MS`, `SILENT_MS` */
  timing?: { patienceMs: number; silentMs: number };
  failed(code: ControlPlaneErrorCode): void;
  /** A proxy was found connected to two replicas. */
  foundTwice(): void;
  clock: Clock;
  random: Random;
  log: Log;
}

const NOBODY: Programmed = { proxies: 0, current: 0, behind: [], sinceMs: 0, rejections: [] };

/** Of a replica that does not report. */
interface Absent {
  sinceMs: number;
  /** As it is said, and goes on to be said once it has been: reasons change from one attempt to the next. */
  why: Missing;
}

/** Proxies of all replicas together, with what of them is not seen, as of `Progress`. */
export interface AllConnections extends Pick<Progress, 'unseen' | 'patienceMs'> {
  connected: number;
  current: number;
}

/**
 * What the leader knows of all proxies: those of this replica, and what every other replica reports of its own. A number is said only where each has reported, no proxy counts
 * with two of them, and each has seen the object as it is; what is missing for longer than a moment is said instead.
 */
export class ReplicaReports implements Component {
  readonly name = 'reports of other replicas';
  readonly #options: ReplicaReportsOptions;
  readonly #timing: { patienceMs: number; silentMs: number };
  readonly #follows = new Map<string, Follow>();
  readonly #absent = new Map<string, Absent>();
  readonly #generations: Generations;
  readonly #twice: TwiceConnected;
  /** Objects that wait for a replica to see them as they are, and those that wait for a proxy to be connected once only. */
  readonly #waiting = { seen: new Set<ObjectRefText>(), once: new Set<ObjectRefText>() };
  readonly #lines: TokenBucket;
  #startedAtMs = 0;
  #started = false;
  /** What is missing for good, as statuses have been told. */
  #told = '';
  #timer: Timer | null = null;
  #unwatch: () => void = () => undefined;

  constructor(options: ReplicaReportsOptions) {
    const { clock } = options;
    this.#options = options;
    this.#timing = options.timing ?? { patienceMs: PATIENCE_MS, silentMs: SILENT_MS };
    this.#lines = new TokenBucket(LINES, clock.nowMs());
    this.#generations = new Generations(clock);
    this.#twice = new TwiceConnected(() => this.#holders(), clock, options.foundTwice);
  }

  /** Replicas by what is known of them. */
  get states(): Record<'reporting' | 'idle' | 'missing', number> {
    const states = { reporting: 0, idle: 0, missing: 0 };
    for (const { state } of this.#follows.values()) states[state.type] += 1;
    return states;
  }

  /** From now on this replica leads. */
  async start(): Promise<void> {
    this.#started = true;
    this.#startedAtMs = this.#options.clock.nowMs();
    this.ownOpened();
    this.endpointsChanged();
    this.#settle();
  }

  async stop(): Promise<void> {
    this.#started = false;
    this.#timer?.cancel();
    this.#unwatch();
    for (const follow of this.#follows.values()) follow.end();
    this.#follows.clear();
    this.#absent.clear();
  }

  /** This replica begins to serve proxies. */
  ownOpened(): void {
    const own = this.#options.own();
    if (!this.#started || own === null) return;
    this.#unwatch();
    this.#unwatch = own.watch({ objects: () => undefined, proxy: (name) => this.#proxiesMoved([name]) });
    this.#proxiesMoved(own.proxies());
  }

  /** The endpoints of the Service may be others now. */
  endpointsChanged(): void {
    if (!this.#started) return;
    const { replicas, addressOf = (address) => address } = this.#options;
    const targets = new Map(
      replicas.followed.map((target) => [target.name, { ...target, address: addressOf(target.address) }]),
    );
    for (const [name, follow] of this.#follows) {
      const target = targets.get(name);
      if (target !== undefined) follow.update(target);
      else this.#forget(follow);
    }
    for (const [name, target] of targets) {
      if (this.#follows.has(name)) continue;
      this.#absent.set(name, { sinceMs: this.#options.clock.nowMs(), why: 'arriving' });
      this.#follows.set(name, new Follow(target, this.#followOptions()));
    }
    this.#settle();
  }

  /** What is trusted, or shown, is another certificate. */
  credentialsChanged(): void {
    for (const follow of this.#follows.values()) follow.reconnect();
  }

  progress(object: ObjectRef, meta: ObjectMeta): Progress {
    const parts = [this.#options.own()?.programmed(object) ?? NOBODY];
    for (const { part } of this.#reporting()) parts.push(part.programmed(object));
    const general = this.#doubt();
    const doubt = general ?? this.#lagging(object, meta);
    if (general === null && doubt !== null) this.#waiting.seen.add(formatRef(object));
    if (general !== null && this.#twice.sinceMs !== null) this.#waiting.once.add(formatRef(object));
    return { ...merged(parts), unseen: doubt?.unseen ?? '', patienceMs: doubt?.patienceMs ?? 0 };
  }

  /** The object is gone. */
  forget(object: ObjectRef): void {
    const text = formatRef(object);
    this.#generations.forget(text);
    this.#waiting.seen.delete(text);
    this.#waiting.once.delete(text);
  }

  connections(): AllConnections {
    const counts = [this.#options.own()?.connections(), ...this.#reporting().map(({ part }) => part.connections)];
    const sum = (of: 'connected' | 'current') => counts.reduce((total, each) => total + (each?.[of] ?? 0), 0);
    const doubt = this.#doubt();
    const { unseen, patienceMs } = doubt ?? { unseen: '', patienceMs: 0 };
    return { connected: sum('connected'), current: sum('current'), unseen, patienceMs };
  }

  /** Proxies of each replica, by its name; `null`: they are not all known, or one of the replicas comes or goes. */
  counts(): ReadonlyMap<string, number> | null {
    const { podName, servesProxies, replicas } = this.#options;
    const own = this.#options.own();
    const isChanging = replicas.followed.some(({ ready, terminating }) => !ready || terminating);
    if (!this.#started || isChanging || (servesProxies && own === null)) return null;
    const counts = new Map(own === null ? [] : [[podName, own.connections().connected]]);
    for (const { name, state } of this.#follows.values()) {
      if (state.type !== 'reporting') return null;
      counts.set(name, state.part.connections.connected);
    }
    return counts;
  }

  /** So many proxies are enough for this replica, be it our own. */
  keep(replica: string, proxies: number): void {
    const { podName, mover } = this.#options;
    const own = this.#options.own();
    if (replica !== podName) this.#follows.get(replica)?.keep(proxies);
    else if (own !== null) mover.keep(own, proxies);
  }

  #followOptions(): FollowOptions {
    const { podName, credentials, ownIdentity, clock, random, failed, log } = this.#options;
    return {
      leader: podName,
      credentials,
      ownIdentity,
      silentMs: this.#timing.silentMs,
      clock,
      random,
      stateChanged: (follow) => this.#stateChanged(follow),
      reported: (_, change) => this.#reported(change),
      failed: (replica, code, detail) => {
        failed(code);
        if (this.#lines.take(clock.nowMs()))
          log.info('a replica does not report its proxies', { replica, code, detail });
      },
    };
  }

  #reporting(): { name: string; part: Part }[] {
    return [...this.#follows.values()].flatMap(({ name, state }) => {
      return state.type === 'reporting' ? [{ name, part: state.part }] : [];
    });
  }

  /** Why nothing can be said of any object's numbers; `null`: it can. */
  #doubt(): Pick<Progress, 'unseen' | 'patienceMs'> | null {
    const { servesProxies, replicas } = this.#options;
    // What is looked at while the lead ends must not be counted without the others.
    if (!this.#started) return { unseen: NOT_LEADING, patienceMs: this.#timing.patienceMs };
    if (this.#absent.size > 0) {
      const patienceMs = this.#patience(Math.min(...[...this.#absent.values()].map(({ sinceMs }) => sinceMs)));
      return { unseen: missingText(this.#missing(patienceMs > 0 ? 0 : this.#timing.patienceMs)), patienceMs };
    }
    const twiceSinceMs = this.#twice.sinceMs;
    if (twiceSinceMs !== null) return { unseen: TWICE_TEXT, patienceMs: this.#patience(twiceSinceMs) };
    if (servesProxies || replicas.areKnown) return null;
    return { unseen: NO_REPLICA_KNOWN, patienceMs: this.#patience(this.#startedAtMs) };
  }

  #lagging(object: ObjectRef, meta: ObjectMeta): Pick<Progress, 'unseen' | 'patienceMs'> | null {
    const reporting = this.#reporting();
    if (reporting.length === 0) return null;
    const { revision, seenAtMs } = this.#generations.note(formatRef(object), meta);
    const lagging = reporting.filter(({ part }) => !part.hasSeen(object.kind, revision)).map(({ name }) => name);
    return lagging.length === 0 ? null : { unseen: laggingText(lagging), patienceMs: this.#patience(seenAtMs) };
  }

  #patience(sinceMs: number): number {
    return Math.max(0, sinceMs + this.#timing.patienceMs - this.#options.clock.nowMs());
  }

  /** Those that have been missing for so long at least. */
  #missing(forMs: number): { name: string; why: Missing }[] {
    const nowMs = this.#options.clock.nowMs();
    return [...this.#absent]
      .filter(([, { sinceMs }]) => nowMs - sinceMs >= forMs)
      .map(([name, { why }]) => ({ name, why }));
  }

  #stateChanged({ name, state }: Follow): void {
    if (state.type === 'missing') this.#noteMissing(name, state.why);
    else this.#absent.delete(name);
    this.#proxiesMoved(state.type === 'reporting' ? state.part.proxies : []);
    this.#settle();
    // Which of its objects are another thing than before is not known.
    if (state.type !== 'missing') this.#lookAtAll();
  }

  #noteMissing(name: string, why: Missing): void {
    const absent = this.#absent.get(name);
    if (absent === undefined) this.#absent.set(name, { sinceMs: this.#options.clock.nowMs(), why });
    else if (why !== 'arriving' && (absent.why === 'arriving' || this.#patience(absent.sinceMs) > 0)) absent.why = why;
  }

  #forget(follow: Follow): void {
    follow.end();
    this.#follows.delete(follow.name);
    this.#absent.delete(follow.name);
    this.#proxiesMoved([]);
    this.#lookAtAll();
  }

  #reported({ objects, came, moved }: PartChange): void {
    this.#proxiesMoved(came);
    if (moved) this.#lookAtWaiting('seen');
    if (objects.length > 0) this.#options.progressed(objects.map(parseRef));
  }

  /** These have come or gone; others may be gone as well. */
  #proxiesMoved(names: Iterable<string>): void {
    const before = this.#twice.sinceMs;
    this.#twice.check(names);
    if (before !== null && this.#twice.sinceMs === null) this.#lookAtWaiting('once');
  }

  /** Who has proxies, with how it is told that one has gone elsewhere. */
  #holders(): Twice[] {
    const own = this.#options.own();
    const others = this.#reporting().map(({ name, part }) => ({
      sinceMs: (proxy: string) => part.sinceMs(proxy),
      letGo: (proxy: string, sinceMs: number) => this.#follows.get(name)?.elsewhere(proxy, sinceMs),
    }));
    if (own === null) return others;
    return [
      {
        sinceMs: (proxy) => own.connectedSinceMs(proxy),
        letGo: (proxy, sinceMs) => own.connectedElsewhere(proxy, sinceMs),
      },
      ...others,
    ];
  }

  #lookAtWaiting(what: 'seen' | 'once'): void {
    const objects = [...this.#waiting[what]].map(parseRef);
    this.#waiting[what].clear();
    if (objects.length > 0) this.#options.progressed(objects);
  }

  #lookAtAll(): void {
    this.#waiting.seen.clear();
    this.#waiting.once.clear();
    this.#options.visibilityChanged();
  }

  /** Statuses are looked at again when what is missing for good is another thing than they have been told. */
  #settle(): void {
    if (!this.#started) return;
    this.#timer?.cancel();
    this.#timer = null;
    const missing = this.#missing(this.#timing.patienceMs);
    const told = missing.length === 0 ? '' : missingText(missing);
    if (told !== this.#told) {
      this.#told = told;
      this.#lookAtAll();
    }
    const next = [...this.#absent.values()].map(({ sinceMs }) => this.#patience(sinceMs)).filter((left) => left > 0);
    if (next.length > 0) this.#timer = this.#options.clock.schedule(Math.min(...next), () => this.#settle());
  }
}
