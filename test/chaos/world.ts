import { setTimeout as sleep } from 'node:timers/promises';
import { startApiServer, type TestApiServer } from '../../hack/apiserver/server.ts';
import { resourceType } from '../../operator/informers.ts';
import { Applier } from '../../operator/kube/apply.ts';
import { resourcePath } from '../../operator/kube/resources.ts';
import { RestClient } from '../../operator/kube/rest.ts';
import { failureOf } from '../../operator/runtime/errors.ts';
import { formatKey } from '../../proxy-image/contract/keys.ts';
import { Cluster } from '../integration/operator/plane.ts';
import type { TestAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { installGatewayApi } from '../support/gateway-api.ts';
import { randomOf } from '../support/random.ts';
import type { Asked } from './api-relay.ts';
import { Client } from './client.ts';
import type { Blow, Disaster, History, Step } from './history.ts';
import { type Entry, Ledger } from './ledger.ts';
import { CLIENTS, NAMESPACE, type Written } from './objects.ts';
import { Replica } from './replica.ts';
import { Truth } from './truth.ts';

/** Until everything is as it must be, once nothing is wrong any more. The longest that anything waits for by itself is a request of ten seconds. */
const SETTLING_MS = 25_000;
const START_MS = 60_000;
const USER = 'user';
/** A write that fails for the API server's sake is sent again. */
const USER_RETRY_MS = 30;
const USER_PATIENCE_MS = 30_000;

export interface Outcome {
  /** Empty: all is as it must be. */
  violations: string[];
  /** From when nothing was wrong any more to when all was as it must be. */
  settledMs: number;
  tookMs: number;
  /** Writes of a deposed leader that the API server carried out late, on the very version that they were made for. */
  lateWrites: number;
}

/** When the operator that asks for something is to end: before the API server hears of it, or when that has carried it out and nobody has heard so. */
export type Moment = 'unsent' | 'unheard';

export interface Trap {
  moment: Moment;
  /** Looked at for each request of whichever operator. */
  springs(asked: Asked): boolean;
}

export interface WorldOptions {
  operators: number;
  roles?: string;
  /** For the very first start. */
  trap?: Trap;
}

/** One API server, and operators that share it, each behind a relay of its own. Histories happen to it one after the other; each ends with nothing left of it. */
export class World {
  readonly api: TestApiServer;
  readonly ledger = new Ledger();
  readonly cluster: Cluster;
  readonly #rest: RestClient;
  readonly #user: Applier;
  readonly #roles: string;
  readonly #replicas: Replica[] = [];
  readonly #gone: Promise<void>[] = [];
  readonly #names = new Set<string>();
  #clients: Client[] = [];
  #authority: TestAuthority | null = null;
  #starting: Promise<void>[] = [];
  #trap: Trap | null = null;
  #random = randomOf(0);
  #generation = 0;
  /** Objects that the user has written, the oldest first. */
  readonly #present = new Map<string, Written>();

  private constructor(api: TestApiServer, roles: string) {
    this.api = api;
    this.#roles = roles;
    this.cluster = new Cluster(api);
    this.#rest = new RestClient(this.cluster.config);
    this.#user = new Applier(this.#rest, USER);
  }

  static async start({ operators, roles = 'controllers,config', trap }: WorldOptions): Promise<World> {
    const world = new World(await startApiServer(), roles);
    try {
      if (trap !== undefined) world.set(trap);
      await world.#prepare(operators);
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  get replicas(): readonly Replica[] {
    return this.#replicas;
  }

  /** Ends, without a word, whoever does it first; another one starts in its place. */
  set(trap: Trap): void {
    this.#trap = trap;
  }

  get isSet(): boolean {
    return this.#trap !== null;
  }

  /** Where the leader is; -1: nobody leads. */
  get leader(): number {
    return this.#replicas.findIndex(({ isEnded, plane }) => !isEnded && plane.operator.isLeader);
  }

  /** Without a word. */
  kill(at: number): void {
    this.#replicas[at]!.kill();
    this.#begin(at);
  }

  /** In order. */
  replace(at: number): void {
    this.#gone.push(this.#replicas[at]!.stop());
    this.#begin(at);
  }

  async stop(): Promise<void> {
    this.api.resume();
    this.api.etcd.resume();
    for (const client of this.#clients) await client.close();
    for (const replica of this.#replicas) replica.kill();
    await Promise.all([...this.#gone, ...this.#replicas.map((replica) => replica.stop())]);
    await this.cluster.close();
    await this.api.stop();
  }

  /** Connects clients, and begins to note who writes what. */
  async begin(): Promise<void> {
    this.ledger.clear();
    await this.#connectClients();
    await this.#noteHolder();
  }

  /** Waits until all is as it must be; resolves with what is not in the end. */
  async end(): Promise<string[]> {
    const violations = await this.#settle();
    violations.push(...(await this.#defects()), ...this.#unfenced());
    return violations;
  }

  async run(history: History): Promise<Outcome> {
    const startedMs = performance.now();
    this.#random = randomOf(history.seed);
    await this.begin();
    const passing: Promise<unknown>[] = [];
    for (const step of history.steps) await this.#step(step, passing);
    await Promise.all(passing);
    for (const replica of this.#replicas) replica.calm();
    const calmMs = performance.now();
    const violations = await this.end();
    const settledMs = performance.now() - calmMs;
    const lateWrites = this.#withoutLease().filter(({ isConditional }) => isConditional).length;
    await this.clear();
    return { violations, settledMs, tookMs: performance.now() - startedMs, lateWrites };
  }

  async #prepare(operators: number): Promise<void> {
    await this.cluster.installDefinitions();
    await installGatewayApi(this.api);
    for (const name of ['weft-system', NAMESPACE]) await this.cluster.apply('namespaces', '', name, {});
    const labels = { app: 'client' };
    const spec = { serviceAccountName: 'default', containers: [{ name: 'app', image: 'app' }] };
    for (const name of CLIENTS) await this.cluster.apply('pods', NAMESPACE, name, { metadata: { labels }, spec });
    for (let at = 0; at < operators; at++) this.#begin(at);
    await this.#started();
    this.#authority = await this.#replicas[0]!.plane.authority();
  }

  /** Starts an operator at its place; whoever was there is gone. */
  #begin(at: number): void {
    this.#generation += 1;
    const name = `op-${at}-${this.#generation}`;
    this.#names.add(name);
    const lost = () => void this.#begin(at);
    const { api, ledger } = this;
    const begun = Replica.begin({ api, ledger, name, roles: this.#roles, random: () => this.#random(), lost });
    this.#starting.push(
      begun.then(async (replica) => {
        const spring = (moment: Moment) => async (asked: Asked) => this.#spring(at, replica, moment, asked);
        replica.relay.before = spring('unsent');
        replica.relay.after = spring('unheard');
        const before = this.#replicas[at];
        if (before !== undefined) this.#gone.push(before.stop());
        this.#replicas[at] = replica;
        await replica.start().catch((error) => {
          if (replica.isEnded) return;
          throw error;
        });
      }),
    );
  }

  #spring(at: number, replica: Replica, moment: Moment, asked: Asked): void {
    const trap = this.#trap;
    if (trap?.moment !== moment || replica.isEnded || !trap.springs(asked)) return;
    this.#trap = null;
    replica.kill();
    this.#begin(at);
  }

  async #started(): Promise<void> {
    while (this.#starting.length > 0) await Promise.all(this.#starting.splice(0));
  }

  async #step(step: Step, passing: Promise<unknown>[]): Promise<void> {
    switch (step.do) {
      case 'write':
        return this.write(step.what);
      case 'delete':
        return this.#delete(step.which);
      case 'pause':
        return sleep(step.forMs);
      case 'squall': {
        const hit = step.at < 0 ? this.#replicas : [this.#replicas[step.at]!];
        passing.push(...hit.map((replica) => replica.squall(step.squall, sleep)));
        return;
      }
      case 'blow':
        return this.#strike(step.at, step.blow);
      case 'disaster':
        passing.push(this.#suffer(step.disaster));
    }
  }

  async #strike(at: number, blow: Blow): Promise<void> {
    const replica = this.#replicas[at]!;
    switch (blow.type) {
      case 'cut':
        return replica.relay.cut();
      case 'expire':
        return replica.relay.expire();
      case 'clock':
        return replica.clock.jump(blow.byMs);
      case 'kill':
        return this.kill(at);
      case 'replace':
        this.replace(at);
    }
  }

  async #suffer(disaster: Disaster): Promise<void> {
    const { api } = this;
    switch (disaster.type) {
      case 'apiServerPaused':
        await api.pause();
        await sleep(disaster.forMs);
        return api.resume();
      case 'etcdPaused':
        await api.etcd.pause();
        await sleep(disaster.forMs);
        return api.etcd.resume();
      case 'etcdFull':
        await api.etcd.fill();
        await sleep(disaster.forMs);
        return api.etcd.relieve();
      case 'compacted':
        return api.etcd.compact();
      case 'apiServerRestarted':
        return api.restart('SIGKILL');
    }
  }

  /** As a user does, again until the API server takes it. */
  async write(what: Written): Promise<void> {
    const { row, version, name, content } = what;
    const namespace = row.scope === 'Cluster' ? '' : NAMESPACE;
    const reference = { type: { ...resourceType(row), version }, kind: row.kind, namespace, name };
    const answer = await this.#insistently((signal) => this.#user.apply<AppliedObject>(reference, content, signal));
    if (answer === null) return;
    this.#present.set(pathOf(what), what);
    this.ledger.note(USER, 'PATCH', resourcePath(resourceType(row), namespace, name), {}, answer);
    const { clusterIP } = answer.spec ?? {};
    if (row.plural !== 'services' || clusterIP === undefined) return;
    for (const client of this.#clients) client.subscribe(formatKey({ kind: 'service', ip: clusterIP, port: 80 }));
  }

  async #delete(which: number): Promise<void> {
    const path = [...this.#present.keys()][which];
    if (path === undefined) return;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 };
    await this.#insistently((signal) => this.#rest.json({ method: 'DELETE', path, body, signal }));
    this.#present.delete(path);
  }

  /** null: it cannot be had, now or later. */
  async #insistently<R>(attempt: (signal: AbortSignal) => Promise<R>): Promise<R | null> {
    const endMs = performance.now() + USER_PATIENCE_MS;
    for (;;) {
      try {
        return await attempt(AbortSignal.timeout(USER_PATIENCE_MS));
      } catch (error) {
        if (['Invalid', 'NotFound'].includes(failureOf(error))) return null;
        if (performance.now() > endMs) throw error;
        await sleep(USER_RETRY_MS);
      }
    }
  }

  async #connectClients(): Promise<void> {
    for (const client of this.#clients) await client.close();
    this.#clients = this.#replicas.flatMap(() => CLIENTS.map((pod) => new Client(this.#authority!, pod)));
    await eventually('all clients are connected', () => this.#reconnected(), START_MS);
  }

  async #reconnected(): Promise<boolean> {
    const connected = this.#clients.map((client, at) =>
      client.connect(this.#replicas[Math.floor(at / CLIENTS.length)]!),
    );
    return (await Promise.all(connected)).every(Boolean);
  }

  /** Who leads as the history begins. */
  async #noteHolder(): Promise<void> {
    const lease = await eventually('somebody leads', async () => {
      const found = await this.cluster.get('leases', 'weft-system', 'weft-operator').catch(() => null);
      const holder = Reflect.get(Object(found?.['spec']), 'holderIdentity');
      return this.#replicas.some(({ name, isEnded }) => name === holder && !isEnded) ? found : null;
    });
    const path = '/apis/coordination.k8s.io/v1/namespaces/weft-system/leases/weft-operator';
    this.ledger.note(USER, 'PUT', path, {}, lease);
  }

  /** Resolves with what is still not as it must be. */
  async #settle(): Promise<string[]> {
    let found = ['it was not looked at'];
    const isSettled = async () => {
      await this.#started();
      found = await this.#look().catch((error) => [`it could not be looked at: ${error}`]);
      if (found.length > 0) await sleep(30);
      return found.length === 0;
    };
    await eventually('all is as it must be', isSettled, SETTLING_MS).catch(() => {});
    return found;
  }

  async #look(): Promise<string[]> {
    if (!(await this.#reconnected())) return ['a client has no connection'];
    const truth = await Truth.read(this.#rest, this.#authority!.anchorsPem);
    const states = this.#replicas.flatMap(({ name, plane }) =>
      truth.differencesOf(plane.operator.view).map((difference) => `${name} ${difference}`),
    );
    const held = this.#clients.flatMap(({ stream }, at) =>
      stream === null ? [] : truth.differencesIn(stream).map((difference) => `client ${at}, ${difference}`),
    );
    const statuses = (await truth.wrongStatuses()).map((status) => `status of ${status}`);
    return [...states, ...held, ...statuses];
  }

  /** What the operators count as defects of their own. */
  async #defects(): Promise<string[]> {
    const texts = await Promise.all(this.#replicas.map(async ({ plane }) => metricsOf(plane.operator.adminPort)));
    const counted = /^weft_cache_(missed_events|handler_errors|transform_errors)_total\{.*\} [1-9]/;
    return texts.flatMap((text, at) =>
      text
        .split('\n')
        .filter((line) => counted.test(line))
        .map((line) => `${this.#replicas[at]!.name}: ${line}`),
    );
  }

  #withoutLease(): Entry[] {
    return this.ledger.writesWithoutLease(this.#names);
  }

  #unfenced(): string[] {
    return this.#withoutLease()
      .filter(({ isConditional }) => !isConditional)
      .map(({ author, method, object, subresource, revision }) => {
        const holder = this.ledger.holderAt(revision);
        return `${author} wrote while ${holder} held the lease: ${method} ${object} ${subresource} at ${revision}`;
      });
  }

  /** Of what the user has written nothing is left. */
  async clear(): Promise<void> {
    while (this.#present.size > 0) await this.#delete(0);
  }
}

interface AppliedObject {
  metadata: { resourceVersion: string };
  spec?: { clusterIP?: string };
}

function pathOf({ row, name }: Written): string {
  return resourcePath(resourceType(row), row.scope === 'Cluster' ? '' : NAMESPACE, name);
}

async function metricsOf(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}
