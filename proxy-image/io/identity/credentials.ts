import type { TlsContext } from '../transport/types.ts';

/** The proxy's own certificate as new connections use it. An immutable value: renewal and a new bundle make another. */
export interface Credentials {
  /** The one DNS SAN of the certificate. */
  identity: string;
  /** Key, chain and the newest trust bundle. */
  context: TlsContext;
  /** Milliseconds since the epoch. */
  notBeforeMs: number;
  notAfterMs: number;
}

/** `null` until the first certificate. Listeners are called after every change, renewal and new bundle alike. */
export interface CredentialsProvider {
  current(): Credentials | null;
  subscribe(listener: () => void): void;
}
