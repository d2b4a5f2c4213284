import { Readable } from 'node:stream';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { OPERATOR_ROLES } from '../../../crds/types/operator-role.ts';
import { Informers, resourceType } from '../../../operator/informers.ts';
import { resourcePath } from '../../../operator/kube/resources.ts';
import type { RestClient } from '../../../operator/kube/rest.ts';
import { feed } from '../../../operator/reconcilers/feed.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { Distribution } from '../../../operator/serve/distribution.ts';
import { HeldLeaf } from '../../../operator/serve/leaf.ts';
import { DEFAULT_LIMITS } from '../../../operator/serve/limits.ts';
import { NO_METRICS } from '../../../operator/serve/metrics.ts';
import type { Peer, PeerHandler } from '../../../operator/serve/peer.ts';
import { Progress } from '../../../operator/serve/progress.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { type ClusterSize, namespaceOf, podName, type Raw, vip } from './objects.ts';

const EMPTY_LIST = '{"metadata":{"resourceVersion":"0"},"items":[]}';
const SETTLED_MS = 3;
/** So many connect before the others wait for them. */
const AT_ONCE = 50;

/** What a replica has done since it was last asked. */
export interface Work {
  compiled: number;
  changed: number;
  writes: number;
  bytes: number;
  /** `performance.now()`; 0: nothing was written. */
  firstWriteMs: number;
  lastWriteMs: number;
}

const NO_WORK: Work = { compiled: 0, changed: 0, writes: 0, bytes: 0, firstWriteMs: 0, lastWriteMs: 0 };

/** One replica with its caches, its state and its sessions: all but the connections to API server and proxies. */
export class ReplicaAlone {
  readonly distribution: Distribution;
  readonly informers: Informers;
  readonly #watches = new Map<string, Readable>();
  /** Asked of nobody here. */
  readonly #leaf = new HeldLeaf(createTestAuthority().anchor.certificate);
  #work: Work = { ...NO_WORK };

  private constructor() {
    const state = new ClusterState(KINDS);
    const metrics = {
      ...NO_METRICS,
      compiled: (_kind: string, _durationMs: number, changed: boolean) => {
        this.#work.compiled += 1;
        if (changed) this.#work.changed += 1;
      },
    };
    const shared = { state, clock: systemClock, log: silentLog, metrics, limits: DEFAULT_LIMITS };
    this.distribution = new Distribution(shared, new Progress(() => undefined, systemClock));
    const parts = {
      rest: this.#apiServer(),
      roles: OPERATOR_ROLES,
      clock: systemClock,
      random: Math.random,
      log: silentLog,
      timing: {},
    };
    this.informers = new Informers(KINDS, parts);
    for (const row of KINDS) {
      const informer = this.informers.of(row);
      informer.addHandler(feed(state, row, (reads) => this.distribution.invalidate(reads)));
      informer.start();
    }
    state.applyTrust({ anchorsPem: 'PEM', resourceVersion: '1' });
  }

  static async start(): Promise<ReplicaAlone> {
    const replica = new ReplicaAlone();
    await eventually('every kind is watched', () => replica.#watches.size === KINDS.length);
    replica.distribution.storesSynced();
    return replica;
  }

  async stop(): Promise<void> {
    for (const watch of this.#watches.values()) watch.push(null);
    await Promise.all(this.informers.all.map((informer) => informer.stop()));
  }

  /** As a watch brings it. */
  see(raw: Raw): void {
    const row = KINDS.find(({ kind, group }) => kind === raw.kind && raw.apiVersion.startsWith(group))!;
    const line = `${JSON.stringify({ type: 'MODIFIED', object: raw })}\n`;
    this.#watches.get(resourcePath(resourceType(row)))!.emit('data', Buffer.from(line));
  }

  /** Proxies of the cluster, each with so many of its Services; resolves when all have everything. One that was connected before comes anew. */
  async connect(sessions: number, services: number, size: ClusterSize): Promise<void> {
    for (let at = 0; at < sessions; at++) {
      this.#connect(at, services, size);
      if (at % AT_ONCE === 0) await this.settled();
    }
    await this.settled();
  }

  /** What was done since the last call. */
  work(): Work {
    const work = this.#work;
    this.#work = { ...NO_WORK };
    return work;
  }

  /** Resolves when nothing has been written for a moment. */
  async settled(): Promise<void> {
    for (let writes = -1; writes !== this.#work.writes; ) {
      writes = this.#work.writes;
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    }
  }

  #connect(at: number, services: number, size: ClusterSize): void {
    const service = (at * 3) % size.services;
    const namespace = namespaceOf(service, size);
    const identity = `svc-${service}.${namespace}.serviceaccount.identity.linkerd.cluster.local`;
    const handler = this.distribution.accept(this.#peer(identity, (message) => handler.received(message)));
    const pod = podName(service, Math.floor((at * 3) / size.services) % size.endpoints);
    handler.received({ type: 'hello', revision: 2, namespace, pod, node: 'n', proxyVersion: '1', held: [] });
    const keys = Array.from(
      { length: services },
      (_, index) => `service/${vip((service + index * 37) % size.services)}:80`,
    );
    handler.received({ type: 'subscribe', keys });
  }

  /** A proxy that acknowledges whatever it is sent. */
  #peer(identity: string, answer: PeerHandler['received']): Peer {
    return {
      identity,
      expiresAtMs: Number.POSITIVE_INFINITY,
      address: '10.1.0.1:4',
      writable: true,
      leaf: this.#leaf,
      write: (parts) => this.#written(Buffer.concat(parts), answer),
      askForRenewal: () => undefined,
      pong: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
      close: (code, detail) => {
        if (code === 'WEFT_SERVE_REPLACED') return;
        throw new Error(`a proxy was sent away: ${code} ${detail}`);
      },
    };
  }

  #written(bytes: Buffer, answer: PeerHandler['received']): void {
    const work = this.#work;
    work.writes += 1;
    work.bytes += bytes.length;
    work.lastWriteMs = performance.now();
    work.firstWriteMs ||= work.lastWriteMs;
    const [, seq] = /"seq":([0-9]+)/.exec(bytes.subarray(0, 64).toString('latin1')) ?? [];
    if (seq !== undefined) setImmediate(() => answer({ type: 'ack', seq: Number(seq) }));
  }

  /** One that has nothing, and tells what it is made to tell. */
  #apiServer(): RestClient {
    const rest: Pick<RestClient, 'stream' | 'send'> = {
      stream: (_wanted, read) => read(Readable.from([Buffer.from(EMPTY_LIST)])),
      send: async ({ path }) => {
        const body = new Readable({ read() {} });
        this.#watches.set(path, body);
        return { body } as unknown as Awaited<ReturnType<RestClient['send']>>;
      },
    };
    return rest as RestClient;
  }
}
