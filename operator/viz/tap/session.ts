import type { PodModel } from '../../../crds/kinds/pod/model.ts';
import { TokenBucket } from '../../../lib/rate.ts';
import { checkTapEvent } from '../../../proxy-image/contract/tap/check-event.ts';
import { TAP_VERB, type TapQuestion } from '../../../proxy-image/contract/tap/question.ts';
import type { Clock, Timer } from '../../runtime/clock.ts';
import type { ControlAddress, ControlCredentials } from '../proxies/ask-proxy.ts';
import { TapLines } from './lines.ts';
import { ProxyStream } from './proxy-stream.ts';
import { type FlowEvent, type PodAt, shownOf } from './shown.ts';

/** Pods that one tap listens to: more are read by nobody. */
export const MAX_TAPPED_PODS = 100;
/** Pods that have come, and that have gone, are noticed within this time. */
const LOOK_MS = 1_000;
/** Of many pods, some have more traffic than others: so many times its even share one proxy may tell of. */
const UNEVENNESS = 4;
/** Calls that are told of and have not ended; the oldest is forgotten beyond. */
const MAX_OPEN = 20_000;
/** Whoever asked is told whom he hears by this time, whether all have answered or not. */
const SETTLE_MS = 2_000;

export interface TapSources {
  /** Whose traffic is wanted, at this time. */
  pods(): readonly PodModel[];
  /** Why a pod is not asked, as a phrase; empty: it is. */
  leftOut(pod: PodModel): string;
  addressOf(pod: PodModel): ControlAddress;
  /** `null`: the control plane has no certificate. */
  credentials(): ControlCredentials | null;
  podAt: PodAt;
  clock: Clock;
}

interface Listened {
  /** `null`: nothing is asked at present. */
  stream: ProxyStream | null;
  /** It has been listened to before: its proxy may have started anew, and is asked again. */
  wasHeard: boolean;
  state: 'asked' | 'listening' | 'leftOut';
  reason: string;
}

/** One tap of somebody: all pods that he wants to hear, in one stream of lines. */
export class TapSession {
  readonly lines: TapLines;
  readonly #question: TapQuestion;
  readonly #sources: TapSources;
  readonly #rate: TokenBucket;
  /** By uid. */
  readonly #pods = new Map<string, Listened>();
  readonly #open = new Set<string>();
  #bases = 0;
  #settled = false;
  #timer: Timer | null = null;
  readonly #settleAtMs: number;
  readonly #released: () => void;
  #stopped = false;

  /** `released`: called once, when all is over. */
  constructor(question: TapQuestion, sources: TapSources, released: () => void) {
    const { clock } = sources;
    this.#question = question;
    this.#sources = sources;
    this.#rate = new TokenBucket({ burst: question.maxRps, intervalMs: 1000 / question.maxRps }, clock.nowMs());
    this.#settleAtMs = clock.nowMs() + SETTLE_MS;
    this.#released = released;
    this.lines = new TapLines(() => this.stop());
  }

  start(): void {
    this.#look();
    this.#settle();
  }

  /** Who has come is asked, who has gone forgotten; one that did not answer is asked again when it is another pod. */
  #look(): void {
    if (this.#stopped) return;
    const { clock } = this.#sources;
    const wanted = new Map(this.#sources.pods().map((pod) => [pod.meta.uid, pod]));
    for (const [uid, { stream }] of this.#pods) {
      if (wanted.has(uid)) continue;
      stream?.close();
      this.#pods.delete(uid);
    }
    for (const [uid, pod] of wanted) {
      const known = this.#pods.get(uid);
      if (known === undefined || (known.wasHeard && known.stream === null)) this.#ask(uid, pod, wanted.size);
    }
    if (clock.nowMs() >= this.#settleAtMs) this.#settle(true);
    this.#timer = clock.schedule(LOOK_MS, () => this.#look());
  }

  #ask(uid: string, pod: PodModel, pods: number): void {
    const credentials = this.#sources.credentials();
    const heard = [...this.#pods.values()].filter(({ state }) => state !== 'leftOut').length;
    const why =
      this.#sources.leftOut(pod) ||
      (heard >= MAX_TAPPED_PODS ? `${MAX_TAPPED_PODS} others are listened to already` : '') ||
      (credentials === null ? 'the control plane has no certificate yet' : '');
    if (why !== '') {
      this.#pods.set(uid, { stream: null, wasHeard: false, state: 'asked', reason: '' });
      this.#leaveOut(uid, pod, why);
      return;
    }
    this.#bases += 1;
    const base = this.#bases;
    const question = {
      verb: TAP_VERB,
      about: { ...this.#question, maxRps: this.#shareOf(Math.min(pods, MAX_TAPPED_PODS)) },
    };
    const stream = new ProxyStream(this.#sources.addressOf(pod), credentials!, question, {
      told: (item) => this.#told(item, base, uid, pod),
      ended: (reason) => this.#ended(uid, pod, reason),
    });
    const before = this.#pods.get(uid) ?? { wasHeard: false, state: 'asked', reason: '' };
    this.#pods.set(uid, { ...before, stream });
  }

  /** What one proxy may tell of: not all of them will at once, but what is left out here has been read already. */
  #shareOf(pods: number): number {
    const { maxRps } = this.#question;
    return Math.min(maxRps, Math.ceil((UNEVENNESS * maxRps) / pods));
  }

  #ended(uid: string, pod: PodModel, reason: string): void {
    const listened = this.#pods.get(uid);
    if (listened !== undefined) listened.stream = null;
    this.#leaveOut(uid, pod, reason);
  }

  #leaveOut(uid: string, pod: PodModel, reason: string): void {
    this.#changed(uid, pod, 'leftOut', reason);
  }

  #changed(uid: string, { meta }: PodModel, state: 'listening' | 'leftOut', reason: string): void {
    const listened = this.#pods.get(uid);
    if (listened === undefined || listened.state === state) return;
    listened.state = state;
    listened.wasHeard ||= state === 'listening';
    listened.reason = reason;
    if (this.#settled) this.lines.push({ type: 'pod', namespace: meta.namespace, pod: meta.name, state, reason });
    else this.#settle();
  }

  #told(item: unknown, base: number, uid: string, pod: PodModel): void {
    const checked = checkTapEvent(item);
    if ('problem' in checked) {
      this.#pods.get(uid)?.stream?.close();
      this.#leaveOut(uid, pod, `what its proxy tells cannot be read: ${checked.problem}`);
      return;
    }
    const { event } = checked;
    if (event === null) return;
    if (event.type === 'listening') this.#changed(uid, pod, 'listening', '');
    else if (event.type === 'missed') {
      this.lines.push({ type: 'missed', events: event.events, pod: `${pod.meta.namespace}/${pod.meta.name}` });
    } else if (this.#admits(event, `${base}:${event.id}`)) {
      this.lines.push({ type: 'event', event: shownOf(event, base, pod, this.#sources.podAt) });
    }
  }

  /** So many a second of all pods together: each proxy has the same bound for itself. */
  #admits({ type }: FlowEvent, id: string): boolean {
    if (type === 'request' || type === 'opened') {
      if (!this.#rate.take(this.#sources.clock.nowMs())) return false;
      this.#open.add(id);
      const [oldest] = this.#open;
      if (this.#open.size > MAX_OPEN) this.#open.delete(oldest!);
      return true;
    }
    return type === 'response' ? this.#open.has(id) : this.#open.delete(id);
  }

  /** Says whom one hears: when all have answered, or when it is time. Without anybody there is nothing to wait for. */
  #settle(isTime = false): void {
    const states = [...this.#pods.values()];
    if (this.#settled || (!isTime && states.some(({ state }) => state === 'asked'))) return;
    this.#settled = true;
    const listening = states.filter(({ state }) => state === 'listening').length;
    const named = new Map(this.#sources.pods().map((pod) => [pod.meta.uid, pod.meta]));
    const leftOut = [...this.#pods].flatMap(([uid, { state, reason }]) => {
      const meta = named.get(uid);
      if (state === 'listening' || meta === undefined) return [];
      return [{ namespace: meta.namespace, pod: meta.name, reason: reason || 'it has not answered yet' }];
    });
    this.lines.push({ type: 'pods', listening, leftOut });
    if (listening === 0 && states.every(({ state }) => state === 'leftOut')) this.lines.end();
  }

  /** Nobody is listened to any more. May be called again. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    for (const { stream } of this.#pods.values()) stream?.close();
    this.#pods.clear();
    this.lines.end();
    this.#released();
  }
}
