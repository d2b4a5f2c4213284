import type { TLSSocket } from 'node:tls';
import { checkReplicaMessage } from '../../operator/replicas/check.ts';
import { MAX_REPLICA_MESSAGE_BYTES } from '../../operator/replicas/messages.ts';
import { Part, type PartChange } from '../../operator/replicas/part.ts';
import { ReportStream } from '../../operator/replicas/report-stream.ts';
import type { Clock } from '../../operator/runtime/clock.ts';
import { silentLog } from '../../operator/runtime/log.ts';
import { Distribution } from '../../operator/serve/distribution.ts';
import { HeldLeaf } from '../../operator/serve/leaf.ts';
import { DEFAULT_LIMITS } from '../../operator/serve/limits.ts';
import { NO_METRICS } from '../../operator/serve/metrics.ts';
import type { Peer, PeerHandler } from '../../operator/serve/peer.ts';
import { Progress } from '../../operator/serve/progress.ts';
import type { ProxyFacts } from '../../operator/serve/proxy-facts.ts';
import { FrameReader } from '../../proxy-image/contract/framing.ts';
import { MAX_MESSAGE_BYTES, type OperatorMessage } from '../../proxy-image/contract/messages.ts';
import { createTestAuthority } from './certificates.ts';
import type { TestCluster } from './models.ts';

/** Asked of nobody here. */
const LEAF = new HeldLeaf(createTestAuthority().anchor.certificate);

/** What a proxy does with what it is sent; of services, that is: the rest it takes. */
export type Manner = 'acknowledges' | 'keeps silent' | 'refuses';

/** One connection of a proxy, without a network. */
class FakeConnection implements Peer {
  readonly identity = 'web.app.serviceaccount.identity.linkerd.cluster.local';
  readonly expiresAtMs = Number.POSITIVE_INFINITY;
  readonly address = '10.1.0.1:4';
  readonly writable = true;
  readonly leaf = LEAF;
  readonly #frames = new FrameReader(MAX_MESSAGE_BYTES);
  readonly #manner: Manner;
  readonly #handler: PeerHandler;
  #closed = false;

  constructor(distribution: Distribution, pod: string, manner: Manner, keys: readonly string[]) {
    this.#manner = manner;
    this.#handler = distribution.accept(this);
    const hello = { revision: 1, namespace: 'app', pod, node: 'n', proxyVersion: '1', held: [] };
    this.#handler.received({ type: 'hello', ...hello });
    this.#handler.received({ type: 'subscribe', keys: [...keys] });
  }

  write(parts: readonly Uint8Array[]): void {
    for (const message of this.#frames.push(Buffer.concat(parts))) {
      setImmediate(() => this.#answer(message as OperatorMessage));
    }
  }

  askForRenewal(): void {}
  pong(): void {}
  pause(): void {}
  resume(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handler.closed();
  }

  #answer(message: OperatorMessage): void {
    if (this.#closed || message.type !== 'batch') return;
    const services = message.changes.filter(({ key }) => key.startsWith('service/'));
    if (services.length > 0 && this.#manner === 'keeps silent') return;
    if (this.#manner === 'refuses') {
      for (const { key } of services) this.#handler.received({ type: 'nack', seq: message.seq, key, problems: ['no'] });
    }
    this.#handler.received({ type: 'ack', seq: message.seq });
  }
}

/** A replica with proxies, and what somebody who follows it has been told. */
export class FakeReplica {
  readonly distribution: Distribution;
  readonly part = new Part();
  readonly changes: PartChange[] = [];
  /** Octets of all that was told. */
  toldBytes = 0;
  readonly #connections = new Map<string, FakeConnection>();
  readonly #stream: ReportStream;

  constructor(name: string, cluster: TestCluster, clock: Clock) {
    const limits = { ...DEFAULT_LIMITS, podTimeoutMs: Number.POSITIVE_INFINITY };
    const shared = { state: cluster.state, clock, log: silentLog, metrics: NO_METRICS, limits };
    this.distribution = new Distribution(shared, new Progress(undefined, clock));
    this.distribution.storesSynced();
    this.#stream = followed(name, this.facts, clock, (frame) => this.#told(frame, clock.nowMs()));
  }

  get facts(): ProxyFacts {
    return this.distribution.facts;
  }

  connect(pod: string, manner: Manner, keys: readonly string[]): void {
    this.#connections.set(pod, new FakeConnection(this.distribution, pod, manner, keys));
  }

  disconnect(pod: string): void {
    this.#connections.get(pod)?.close();
    this.#connections.delete(pod);
  }

  end(): void {
    this.#stream.end(false);
  }

  readonly #frames = new FrameReader(MAX_REPLICA_MESSAGE_BYTES);

  #told(frame: Uint8Array, nowMs: number): void {
    this.toldBytes += frame.length;
    for (const value of this.#frames.push(frame)) {
      const { message, problem } = checkReplicaMessage(value);
      if (problem !== null) throw new Error(problem);
      const change = message?.type === 'report' ? this.part.take(message, nowMs) : null;
      if (typeof change === 'string') throw new Error(change);
      if (change !== null) this.changes.push(change);
    }
  }
}

function followed(name: string, facts: ProxyFacts, clock: Clock, told: (frame: Uint8Array) => void): ReportStream {
  const socket = {
    write(frame: Uint8Array) {
      told(frame);
      return true;
    },
    on: () => undefined,
  };
  return new ReportStream(socket as unknown as TLSSocket, facts, name, {
    positions: () => [],
    clock,
    sent: () => undefined,
  });
}
