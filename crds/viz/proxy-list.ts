import type { VIZ_API_VERSION } from './group.ts';

/** What a `GET` of `proxies` answers: those that have a connection to the control plane, by namespace and name of their pods. */
export interface ProxyList {
  apiVersion: typeof VIZ_API_VERSION;
  kind: 'ProxyList';
  metadata: Record<string, never>;
  items: readonly ProxyItem[];
  /** Replicas of the control plane whose proxies are missing from the items. Empty: the list is whole. */
  missing: readonly string[];
}

export interface ProxyItem {
  metadata: { name: string; namespace: string };
  /** Pod of the replica that it is connected to. */
  replica: string;
  /** TLS identity that it has proved. */
  identity: string;
  /** Of the proxy, as it says. */
  version: string;
  /** Of the contract, the newest that it knows. */
  revision: number;
  connectedSeconds: number;
  /** Since its last acknowledgement on this connection; `null`: there was none. */
  acknowledgedSeconds: number | null;
  /** How many it is subscribed to. */
  resources: number;
  /** Of these, those of which it has not the newest. */
  behind: readonly BehindResource[];
}

export interface BehindResource {
  key: string;
  /**
   * `sent`: the newest is on its way. `waiting`: it goes with the next batch. `withheld`: the replica has seen less than another one that the proxy was told by.
   * `refused`: the proxy keeps what it has; `problems` say why.
   */
  state: 'sent' | 'waiting' | 'withheld' | 'refused';
  seconds: number;
  problems: readonly string[];
}

/** What a `GET` of one proxy answers. */
export interface ProxyDetail extends ProxyItem {
  apiVersion: typeof VIZ_API_VERSION;
  kind: 'Proxy';
  configuration: readonly ConfigurationItem[];
  /** Why it could not be asked what it has: `held` is then what it has acknowledged, without bodies. `null`: it was asked. */
  unasked: string | null;
}

/** A resource that the proxy has, or should have. Versions are hashes of bodies. */
export interface ConfigurationItem {
  key: string;
  /** `null`: it has none. */
  held: Versioned | null;
  /** `null`: it should have none. */
  wanted: Versioned | null;
}

export interface Versioned {
  version: string;
  /** As on the configuration stream; `null` where the versions are the same, or it is not known. */
  body: unknown;
}
