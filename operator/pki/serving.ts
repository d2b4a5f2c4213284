import type { KeyObject } from 'node:crypto';
import type { Server } from 'node:tls';
import type { Clock, Timer } from '../runtime/clock.ts';
import { type Authority, issueLeaf } from './authority.ts';
import { generateKeyPair } from './certificate.ts';

/** What a TLS server presents, PEM. */
export interface ServingCredentials {
  keyPem: string;
  /** Leaf first. */
  certPem: string;
  notAfterMs: number;
}

/** Renewed when this share of the life is over; old and new are both valid for the rest (Linkerd: proxies do the same). */
const RENEW_AT = 0.7;

/** The wall clock is looked at this often: a machine that slept must not serve an expired certificate for long. */
const CHECK_INTERVAL_MS = 30_000;

/** A certificate of the operator itself, with a key that never leaves the process; each replica has its own. */
export class ServingCertificate {
  private readonly dnsNames: readonly string[];
  private readonly lifetimeMs: number;
  private readonly authority: () => Authority | null;
  private readonly clock: Clock;
  private readonly listeners = new Set<(credentials: ServingCredentials) => void>();
  private credentials: ServingCredentials | null = null;
  private issuedBy: KeyObject | null = null;
  private renewAtMs = 0;
  private timer: Timer | null = null;

  /** @param authority who signs, asked at every renewal; `null` while there is none */
  constructor(dnsNames: readonly string[], lifetimeMs: number, authority: () => Authority | null, clock: Clock) {
    this.dnsNames = dnsNames;
    this.lifetimeMs = lifetimeMs;
    this.authority = authority;
    this.clock = clock;
  }

  get current(): ServingCredentials | null {
    return this.credentials;
  }

  onChange(listener: (credentials: ServingCredentials) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Keeps the certificate fresh until `stop`. */
  start(): void {
    this.renewIfDue();
    this.timer = this.clock.schedule(CHECK_INTERVAL_MS, () => this.start());
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  /** Call when the authority may have changed. Does nothing while the certificate is fresh and of the same authority. */
  renewIfDue(): void {
    const authority = this.authority();
    if (authority === null) return;
    const nowMs = this.clock.wallMs();
    const sameAuthority = this.issuedBy?.equals(authority.certificate.publicKey) ?? false;
    if (sameAuthority && nowMs < this.renewAtMs) return;
    const keys = generateKeyPair();
    const { publicKey } = keys;
    const leaf = issueLeaf(authority, { publicKey, dnsNames: this.dnsNames, lifetimeMs: this.lifetimeMs, nowMs });
    this.credentials = {
      keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      certPem: leaf.chainPem,
      notAfterMs: leaf.notAfterMs,
    };
    this.issuedBy = authority.certificate.publicKey;
    this.renewAtMs = nowMs + (leaf.notAfterMs - nowMs) * RENEW_AT;
    for (const listener of this.listeners) listener(this.credentials);
  }
}

/** Presents every new certificate to connections made from then on; existing ones are left alone. */
export function followCertificate(server: Server, certificate: ServingCertificate): () => void {
  return certificate.onChange(({ keyPem, certPem }) => {
    server.setSecureContext({ key: keyPem, cert: certPem, minVersion: 'TLSv1.3' });
  });
}
