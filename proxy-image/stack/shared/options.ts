import { HEAD_BYTES } from '../../contract/head-bytes.ts';
import type { Rng } from '../../core/rng.ts';
import type { ProxyState } from '../../core/state/state.ts';
import type { AdminHandler } from '../../io/admin/admin.ts';
import type { ProbeRelay } from '../../io/admin/probe-relay.ts';
import { POOL_LIMITS } from '../../io/pool/host.ts';
import type { AccessLog } from '../../io/telemetry/access-log.ts';
import type { Logger } from '../../io/telemetry/log.ts';
import type { Recorder } from '../../io/telemetry/recorder.ts';
import type { Address, TlsContext, Transport } from '../../io/transport/types.ts';
import type { Listener } from './listeners.ts';

/** What the data plane is made of; `main.ts` and tests put it together. */
export interface StackOptions {
  transport: Transport;
  state: ProxyState;
  recorder: Recorder;
  log: Logger;
  rng: Rng;
  /** Unix time in milliseconds, for the access log. */
  wallMs(): number;
  /** The newest certificate with the newest anchors; `null` = none yet. Asked for at every handshake. */
  tlsContext(): TlsContext | null;
  /** In the order in which they are opened. */
  listeners: readonly Listener[];
  /** The address to dial for one that the control plane named: another one in embedded mode only. */
  dialAddress(address: Address): Address;
  /** Reserved for the proxy without being listened on. */
  reservedPorts: readonly number[];
  admin: AdminHandler;
  /** `null` where the pod has no probes to be made for the kubelet. */
  probeRelay: ProbeRelay | null;
  /** `null` = off. */
  accessLog: AccessLog | null;
  limits?: Partial<StackLimits>;
}

export interface StackLimits {
  /** An original destination that is not known after this is spliced through or refused (design: 500 ms). */
  lookupTimeoutMs: number;
  outboundConnectTimeoutMs: number;
  inboundConnectTimeoutMs: number;
  handshakeTimeoutMs: number;
  /** Largest head of a request or response (contract/head-bytes.ts). */
  headBytes: number;
  headTimeoutMs: number;
  /** HTTP/1: without a byte of a request body, or without one of an answer being taken. */
  stallTimeoutMs: number;
  /**
   * Client connections of the outbound, and of both inbound listeners, handshakes included: beyond it one on which nothing is under way makes room for a new one
   * (`core/overload/clients.ts`), or the new one is refused, so that file descriptors for upstreams and the admin port remain, and neither side can take the other's.
   */
  connections: number;
  /**
   * TLS handshakes under way, up to the transport header: each takes about 40 KiB and a millisecond of CPU, for somebody who has not said who he is. Of this and
   * the next two: nobody who comes is refused, who has waited longest makes room (`core/overload/gate.ts`).
   */
  handshakes: number;
  /** On each side, connections whose protocol is not known yet: each may hold 8 KiB of a first line for as long as detection lasts. */
  detections: number;
  /** On each side, heads of requests that have begun and are not complete: each may hold 64 KiB for as long as a head may take. */
  heads: number;
  /** Connections to the admin port, of the descriptors that are kept for it (`io/descriptors.ts`): a kubelet and a few scrapers have one or two each. */
  adminConnections: number;
  /** Connections to one target, and requests that wait for one of them. */
  connectionsPerHost: number;
  waitersPerHost: number;
  /**
   * When draining, idle clients are left this long to go away by themselves: longer than another proxy keeps idle connections (3 s), so that no
   * request meets a closed one.
   */
  idleGraceMs: number;
}

/** linkerd2-proxy: connect 1 s out, 300 ms in; 10 s for a head as for protocol detection. */
export const STACK_LIMITS: Readonly<StackLimits> = {
  lookupTimeoutMs: 500,
  outboundConnectTimeoutMs: 1000,
  inboundConnectTimeoutMs: 300,
  handshakeTimeoutMs: 10_000,
  headBytes: HEAD_BYTES.fallback,
  headTimeoutMs: 10_000,
  // As HTTP/2 streams have it (codec/http2/limits.ts).
  stallTimeoutMs: 300_000,
  connections: 20_000,
  // Twice a burst of a thousand clients, which is served (docs/performance.md).
  handshakes: 2000,
  detections: 2000,
  heads: 2000,
  adminConnections: 64,
  connectionsPerHost: POOL_LIMITS.connectionsPerHost,
  waitersPerHost: POOL_LIMITS.waitersPerHost,
  idleGraceMs: 5000,
};
