import type { TLSSocket } from 'node:tls';
import type { ClusterState } from '../../crds/state/cluster-state.ts';
import type { ObjectRef } from '../../crds/state/object-ref.ts';
import type { ReadKey } from '../../crds/state/view.ts';
import type { Reporter } from '../../crds/viz/dimensions.ts';
import type { TrafficRequest } from '../../proxy-image/contract/traffic/report.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { LeafTerms } from '../status/leaf-terms.ts';
import type { ProxyFacts } from './proxy-facts.ts';
import type { SessionReport } from './session-report.ts';

/** What the server proves itself with, and whom it trusts; all PEM. */
export interface TlsMaterial {
  certificateChainPem: string;
  privateKeyPem: string;
  /** Anchors that sign the certificates of proxies. */
  trustAnchorsPem: string;
}

/** Rotation: after `changed`, new connections get the new material; open ones go on. */
export interface TlsProvider {
  current(): TlsMaterial;
  /** For a proxy that asks for another name of the operator (SNI); null, or not given: `current` will do. */
  named?(serverName: string): Pick<TlsMaterial, 'certificateChainPem' | 'privateKeyPem'> | null;
  /** Returns how to stop listening. */
  onChange(changed: () => void): () => void;
}

/** Counted where it happens; implemented with prom-client in `operator/telemetry`. */
export interface ServeMetrics {
  connected(count: number): void;
  refused(code: string): void;
  /** One batch written to one proxy. */
  batchSent(changes: number, sizeBytes: number): void;
  /** From the first invalidation that the batch carries to the proxy's ack. */
  acknowledged(delayMs: number): void;
  /** From the invalidation to the write into the proxy's socket. */
  written(delayMs: number): void;
  rejected(key: string): void;
  compiled(kind: string, durationMs: number, changed: boolean): void;
  subscriptions(count: number): void;
  /** A replica that lags behind what a proxy already holds keeps quiet about that key. */
  withheld(key: string): void;
}

/** A proxy that was let in, as its connection proves it: nothing here is what it says of itself alone. */
export interface ConnectedProxy {
  /** `namespace/pod`. */
  readonly name: string;
  /** `null`: its pod has not reached our store. */
  reporter(): Reporter | null;
  ask(request: TrafficRequest): void;
}

/** What proxies have of the trust that is published. */
export interface TrustHeld {
  /** `namespace/pod` of those with a connection. */
  names: string[];
  connected: number;
  /** Have acknowledged the bundle. */
  anchors: number;
  /** Have a certificate that will do. */
  leaves: number;
}

/** Who wants to know what passes through the proxies. */
export interface TrafficReports {
  connected(proxy: ConnectedProxy): {
    /** A message of type `traffic`, unchecked. */
    received(report: unknown): void;
    /** Last call. */
    closed(): void;
  };
}

/** The endpoints of one port of a Service, as proxies are told of them. */
export interface ServedEndpoints {
  namespace: string;
  service: string;
  port: number;
  /** Proxies that ask for them. */
  subscribers: number;
  /** Versions since the first of these. */
  updates: number;
  /** Addresses. */
  endpoints: number;
  /** There is something to say. */
  exists: boolean;
}

export interface ConfigServerOptions {
  state: ClusterState;
  tls: TlsProvider;
  clock: Clock;
  log: Log;
  metrics?: ServeMetrics;
  limits?: Partial<ServeLimits>;
  /** Not given: proxies are asked for no reports, and what comes is not looked at. */
  reports?: TrafficReports;
  /** What certificates of proxies have to be; `null`, or not given: whatever they are. Those that will not do are renewed. */
  leafTerms?: () => LeafTerms | null;
  /** Not given: nobody but proxies may connect. */
  followers?: Followers;
  /** Told, coalesced, of objects whose `programmed` may have changed. */
  progress?: (objects: readonly ObjectRef[]) => void;
}

/** Other replicas of the control plane, which connect to the same port under a protocol (ALPN) of their own, to be told of the proxies here. */
export interface Followers {
  readonly alpn: string;
  /** Takes a connection whose certificate has been verified, as one of the mesh. */
  accept(socket: TLSSocket, certificate: { identity: string; expiresAtMs: number }, facts: ProxyFacts): void;
  /** No proxy is connected any more, and none will be. */
  stop(): void;
}

export interface ConfigServer extends Pick<ProxyFacts, 'programmed' | 'connections'> {
  readonly facts: ProxyFacts;
  /** Resolves with the port that is listened on. */
  listen(port: number, host?: string): Promise<number>;
  /** From now on questions are answered; before, connections are accepted and wait. */
  storesSynced(): void;
  /** What `ClusterState.apply` returned. The first change leaves in this turn of the event loop, a burst leaves together. */
  invalidate(reads: Iterable<ReadKey>): void;
  trustHeld(anchorsPem: string): TrustHeld;
  /** For metrics: worked out anew each time. */
  endpoints(): Iterable<ServedEndpoints>;
  /** Of the proxies of one namespace, or of all where it is `null`, by their names: what each has not the newest of. */
  reports(namespace: string | null): SessionReport[];
  /** With every resource. `null`: the proxy has no connection to this replica. */
  report(namespace: string, pod: string): SessionReport | null;
  /** Stops listening, and ends all connections, those of proxies a few at a time. */
  close(): Promise<void>;
}

/** Caps against a peer that misbehaves; a proxy of ours stays far below each. */
export interface ServeLimits {
  /** Beyond this and the next, one in its handshake makes room for a newcomer (`runtime/connection-places.ts`). */
  maxConnections: number;
  maxHandshakes: number;
  maxSubscriptions: number;
  maxMessageBytes: number;
  messagesPerSecond: number;
  messageBurst: number;
  helloTimeoutMs: number;
  idleTimeoutMs: number;
  ackTimeoutMs: number;
  /** Above this a batch is closed and the rest follows in the next one. */
  batchTargetBytes: number;
  /** How long a replica keeps quiet about a key that the proxy holds from newer sources. */
  withholdMs: number;
  /** How long the pod of a new proxy may be missing from the store. */
  podTimeoutMs: number;
  /** Compiling per turn of the event loop before others get theirs. */
  compileSliceMs: number;
  /** Writing per turn: first all proxies are told, then what they answer is read. */
  writeSliceMs: number;
  /** When this replica stops, so many proxies are told every second… */
  handOverPerSecond: number;
  /** … or as many more as it takes to have told all in this time. */
  handOverMs: number;
}
