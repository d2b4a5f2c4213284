import type { TestApiServer } from '../../hack/apiserver/server.ts';
import { REFLECTION } from '../../lib/reflection.ts';
import type { ReflectorTiming } from '../../operator/runtime/reflector.ts';
import { Plane } from '../integration/operator/plane.ts';
import { eventually } from '../support/eventually.ts';
import { ApiRelay } from './api-relay.ts';
import type { Squall } from './history.ts';
import { JumpingClock } from './jumping-clock.ts';
import type { Ledger } from './ledger.ts';
import { FAIR } from './weather.ts';

/** A Lease counts in whole seconds. With one second, leaders of a busy machine lose it for want of CPU, and what is started in their place takes the CPU from others. */
const LEASE_MS = Number(process.env['LEASE_MS'] ?? 2_000);
const ELECTION = { leaseMs: LEASE_MS, renewDeadlineMs: 0.75 * LEASE_MS, retryMs: 0.1 * LEASE_MS };
const TIMING: Partial<ReflectorTiming> = {
  idleTimeoutMs: 1_500,
  listTimeoutMs: 1_000,
  shortWatchMs: 20,
  /** So that lists have pages, between which something may happen. */
  pageSize: 4,
  backoff: { ...REFLECTION.backoff, initialMs: 20, maxMs: 200, resetAfterMs: 1_000 },
};
const READY_MS = 30_000;
/** What is told to end by force is not waited for. */
const GRACE_MS = 500;

export interface ReplicaOptions {
  api: TestApiServer;
  ledger: Ledger;
  /** Unique among all that ever ran: who wrote what is told by it. */
  name: string;
  roles: string;
  random: () => number;
  /** It must end at once: another one leads. */
  lost: () => void;
}

/** One operator with what stands between it and the API server. */
export class Replica {
  readonly name: string;
  readonly relay: ApiRelay;
  readonly clock = new JumpingClock();
  readonly plane: Plane;
  #ended: Promise<void> | null = null;
  #squalls = 0;

  private constructor(options: ReplicaOptions, relay: ApiRelay) {
    this.name = options.name;
    this.relay = relay;
    const { leaseMs, renewDeadlineMs, retryMs } = ELECTION;
    const times = ['--lease-ms', leaseMs, '--renew-deadline-ms', renewDeadlineMs, '--retry-ms', retryMs];
    const others = ['--roles', options.roles, '--definitions-dir', '', '--shutdown-grace-ms', GRACE_MS];
    this.plane = new Plane(options.api, options.name, {
      kubeConfig: relay.kubeConfig(),
      flags: [...times, ...others].map(String),
      timing: TIMING,
      clock: this.clock,
      onLost: () => {
        if (this.isEnded) return;
        this.kill();
        options.lost();
      },
    });
  }

  /** Its start may fail as long as the weather is bad; `ready` says so. */
  static async begin(options: ReplicaOptions): Promise<Replica> {
    const { api, ledger, name: author, random } = options;
    const relay = await new ApiRelay({ api, ledger, author, random }).start();
    return new Replica(options, relay);
  }

  async start(): Promise<void> {
    await this.plane.start();
    const port = () => this.plane.operator.ports.get('configuration stream');
    await eventually(`${this.name} serves`, () => this.isEnded || port() !== undefined, READY_MS);
  }

  get isEnded(): boolean {
    return this.#ended !== null;
  }

  get port(): number | undefined {
    return this.isEnded ? undefined : this.plane.operator.ports.get('configuration stream');
  }

  async squall({ weather, forMs }: Squall, sleep: (ms: number) => Promise<unknown>): Promise<void> {
    this.#squalls += 1;
    const mine = this.#squalls;
    this.relay.weather = { ...FAIR, ...weather };
    await sleep(forMs);
    if (this.#squalls === mine) this.calm();
  }

  calm(): void {
    this.relay.weather = FAIR;
    this.clock.set();
  }

  /** As a process that is gone: nothing of it reaches the API server from now on. */
  kill(): void {
    this.relay.end();
    this.#ended ??= this.#end();
  }

  /** In order. */
  stop(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    await this.plane.stop().catch(() => {});
    await this.relay.stop();
  }
}
