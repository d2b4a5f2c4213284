import type { Endpoint, ResourceBody } from './resources.ts';
import type { TrafficReport, TrafficRequest } from './traffic/report.ts';

/** Messages of the configuration stream: each is one JSON text behind a 4-byte big-endian length (`framing.ts`). */
export const CONFIG_ALPN = 'weft-config/1';

/** Largest message accepted by either side, bytes. A full EndpointSlice set of 5,000 endpoints is about 2 MB. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/**
 * Revision of the contract that this tree speaks: of the bodies that its operator writes, and that its proxy says it knows (`Hello.revision`). An operator
 * writes the one before too, for proxies that know no newer (`older-proxies.ts`); a proxy reads the one before too (`older-operators.ts`).
 */
export const REVISION = 2;

/** A proxy that has sent nothing for this long sends a `ping`, so that a connection that died silently is noticed by both sides. */
export const PING_INTERVAL_MS = 15_000;
/** A peer that has sent nothing for this long is gone: three pings were lost. */
export const SILENCE_TIMEOUT_MS = 50_000;

/**
 * First message of a connection. `held` lists what the proxy has, so that only the difference is sent. A `service` key in it counts as
 * subscribed; `endpoints` follow the services that name them (those that none names any more are deleted); `workload` of the own pod and `trust`
 * are pushed to every connection and need no subscription.
 */
export interface Hello {
  type: 'hello';
  /** The newest revision of the contract that the proxy knows (`REVISION`): it is told nothing in a newer one. */
  revision: number;
  namespace: string;
  pod: string;
  node: string;
  proxyVersion: string;
  held: { key: string; version: string; sources: string }[];
}

/** From the operator, at any time: ask for another certificate now, whatever is left of the present one. A proxy of before ignores it, and renews when it is due. */
export interface RenewalRequest {
  type: 'renewCertificate';
}

/** To who has asked for a renewal, whenever the proxy's certificate or bundle is another one. */
export interface CertificateReport {
  type: 'certificate';
  /** PEM, leaf first, as it is shown to others. */
  chainPem: string;
}

export type ProxyMessage =
  | Hello
  | { type: 'subscribe'; keys: string[] }
  /** The operator deletes the endpoints that only these named. */
  | { type: 'unsubscribe'; keys: string[] }
  | { type: 'ack'; seq: number }
  /** The batch `seq` was applied except for `key`, whose last good value stays in force. Comes before the ack of its batch, which it does not replace. */
  | { type: 'nack'; seq: number; key: string; problems: string[] }
  | { type: 'ping' }
  | CertificateReport
  | TrafficReport;

export type Change =
  | { op: 'set'; key: string; version: string; body: ResourceBody }
  /** Endpoints only. Entries of `removed` are `address:port` as `formatAddress` writes them. */
  | {
      op: 'patch';
      key: string;
      baseVersion: string;
      version: string;
      sources: string;
      added: Endpoint[];
      changed: Endpoint[];
      removed: string[];
    }
  | { op: 'delete'; key: string };

/**
 * The operator sends the next batch after the ack of the one before: a slow proxy gets the newest values, never a queue of old ones.
 * `error` is the last message before the operator closes.
 */
export type OperatorMessage =
  /** Changes are in dependency order: what a key names comes before it. */
  | { type: 'batch'; seq: number; changes: Change[] }
  | { type: 'pong' }
  | TrafficRequest
  | RenewalRequest
  | { type: 'error'; code: string; message: string };
