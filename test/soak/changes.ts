import { type Authority, createAnchor, createIssuer } from '../../operator/pki/authority.ts';
import { authorization, profile, route, server, split } from '../support/models.ts';
import { CERTIFICATE_LIFE_MS, SERVER_PODS, type ServiceName, type World } from './world.ts';

/** Not a divisor of the time between samples: these would always see the same phase. */
const ENDPOINTS_MS = 1300;
const SPLIT_MS = 1700;
const PROFILE_MS = 2300;
const POLICY_MS = 3100;
/** One step of a rotation of the trust anchor: long enough for every proxy to have heard, and to have renewed its certificate. */
const ANCHOR_STEP_MS = CERTIFICATE_LIFE_MS + 10_000;
const ANCHOR_LIFE_MS = 365 * 86_400_000;
/** Where the proxies of this machine come from. */
const NETWORKS = [{ cidr: '127.0.0.0/8', except: [] }];
const CHANGED_SERVICES: readonly ServiceName[] = ['http', 'canary', 'http2', 'grpc', 'tcp'];

/** Everything that can change while traffic flows, changing all the time. Certificates are renewed by the proxies themselves. */
export class Changes {
  readonly #world: World;
  readonly #timers: ReturnType<typeof setInterval>[];
  readonly counts = { endpoints: 0, splits: 0, profiles: 0, policies: 0, anchors: 0 };
  #old: Authority | null = null;
  #new: Authority | null = null;
  #rotating: Promise<void> = Promise.resolve();

  constructor(world: World) {
    this.#world = world;
    const every = (periodMs: number, change: () => void) => setInterval(change, periodMs);
    this.#timers = [
      every(ENDPOINTS_MS, () => this.#changeEndpoints()),
      every(SPLIT_MS, () => this.#changeSplit()),
      every(PROFILE_MS, () => this.#changeProfile()),
      every(POLICY_MS, () => this.#changePolicy()),
      every(ANCHOR_STEP_MS, () => {
        this.#rotating = this.#rotateAnchor();
      }),
    ];
  }

  /** One or both pods, never none. A pod that leaves lives on, as a terminating one does. */
  #changeEndpoints(): void {
    const turn = this.counts.endpoints++;
    const name = CHANGED_SERVICES[turn % CHANGED_SERVICES.length]!;
    const round = Math.floor(turn / CHANGED_SERVICES.length);
    this.#world.setEndpoints(name, round % 2 === 0 ? SERVER_PODS : [SERVER_PODS[(round >> 1) % 2]!]);
  }

  #changeSplit(): void {
    const weight = (this.counts.splits++ * 10) % 110;
    const model = split('split', 'http', { http: 100 - weight, canary: weight });
    if (weight === 100) this.#world.plane.remove('TrafficSplit', model);
    else this.#world.plane.put('TrafficSplit', model);
  }

  #changeProfile(): void {
    const turn = this.counts.profiles++;
    const items = route('items', {
      match: { type: 'path', regex: '/items/[^/]+' },
      isRetryable: true,
      timeoutMs: 20_000 + (turn % 5),
    });
    const others = Array.from({ length: turn % 4 }, (_, i) => route(`other-${turn % 7}-${i}`));
    this.#world.plane.put('ServiceProfile', profile('http', { routes: [...others, items] }));
  }

  #changePolicy(): void {
    const turn = this.counts.policies++;
    // Names come and go, the access that they give stays: the new one is there before the old one goes.
    const named = (n: number) => authorization(`clients-${n % 3}`, { server: { name: 'http' }, networks: NETWORKS });
    this.#world.plane.put('ServerAuthorization', named(turn));
    this.#world.plane.put('Server', server('http'));
    if (turn > 0) this.#world.plane.remove('ServerAuthorization', named(turn - 1));
  }

  /** The new anchor is trusted before anything is signed under it, and the old one until nothing signed under it is left. */
  async #rotateAnchor(): Promise<void> {
    const { plane } = this.#world;
    const nowMs = Date.now();
    const step = this.counts.anchors++ % 3;
    if (step === 0) {
      this.#old = plane.trust.current!.issuer;
      const anchor = createAnchor(`root-${this.counts.anchors}.test`, ANCHOR_LIFE_MS, nowMs);
      this.#new = createIssuer(anchor, `issuer-${this.counts.anchors}.test`, ANCHOR_LIFE_MS, nowMs);
      await plane.useIssuer({ ...this.#old, anchors: [...this.#old.anchors, ...this.#new.anchors] });
    } else if (step === 1) {
      await plane.useIssuer({ ...this.#new!, anchors: [...this.#old!.anchors, ...this.#new!.anchors] });
    } else {
      await plane.useIssuer(this.#new!);
    }
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#rotating;
  }
}
