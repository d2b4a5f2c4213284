import type { KeyObject } from 'node:crypto';
import type { SecureContextOptions, Server } from 'node:tls';
import { RENEWAL_SHARE } from '../../proxy-image/contract/identity-messages.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { type Authority, BACKDATE_MS, expiryOf, issueLeaf } from './authority.ts';
import { generateKeyPair } from './certificate.ts';

/** What a TLS server presents, PEM. */
export interface ServingCredentials {
  keyPem: string;
  /** Leaf first. */
  certPem: string;
  notAfterMs: number;
}

/** They are cheap to make. */
export const SERVING_LIFETIME_MS = 24 * 3_600_000;

/** With a key of its own. `names`: what is proven. */
export function credentialsOf(
  authority: Authority,
  dnsNames: readonly string[],
  lifetimeMs: number,
  nowMs: number,
): ServingCredentials {
  const keys = generateKeyPair();
  const leaf = issueLeaf(authority, { publicKey: keys.publicKey, dnsNames, lifetimeMs, nowMs });
  return {
    keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certPem: leaf.chainPem,
    notAfterMs: leaf.notAfterMs,
  };
}

/**
 * The wall clock is looked at this often: a machine that slept must not serve an expired certificate for long, and one that was started by a clock that was ahead
 * not one that is not valid yet.
 */
const CHECK_INTERVAL_MS = 5_000;

/** A certificate of the operator itself, with a key that never leaves the process; each replica has its own. */
export class ServingCertificate {
  private readonly dnsNames: () => readonly string[];
  private readonly lifetimeMs: number;
  private readonly authority: () => Authority | null;
  private readonly clock: Clock;
  private readonly listeners = new Set<(credentials: ServingCredentials) => void>();
  private credentials: ServingCredentials | null = null;
  private issuedBy: KeyObject | null = null;
  private issuedFor: readonly string[] = [];
  private issuedAtMs = 0;
  private renewAtMs = 0;
  private timer: Timer | null = null;

  /**
   * @param dnsNames asked, as `authority` is, whenever the certificate is looked at
   * @param authority who signs; `null` while there is none
   */
  constructor(dnsNames: () => readonly string[], lifetimeMs: number, authority: () => Authority | null, clock: Clock) {
    this.dnsNames = dnsNames;
    this.lifetimeMs = lifetimeMs;
    this.authority = authority;
    this.clock = clock;
  }

  get current(): ServingCredentials | null {
    return this.credentials;
  }

  /** Milliseconds since the epoch. */
  get dates(): { notAfterMs: number; renewAtMs: number } | null {
    return this.credentials === null ? null : { notAfterMs: this.credentials.notAfterMs, renewAtMs: this.renewAtMs };
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

  /** Call when the authority or the names may have changed. Does nothing while the certificate is fresh and of the same authority and names. */
  renewIfDue(): void {
    const authority = this.authority();
    if (authority === null) return;
    const nowMs = this.clock.wallMs();
    const dnsNames = this.dnsNames();
    if (!this.isDue(authority, dnsNames, nowMs)) return;
    this.credentials = credentialsOf(authority, dnsNames, this.lifetimeMs, nowMs);
    this.issuedBy = authority.certificate.publicKey;
    this.issuedFor = dnsNames;
    this.issuedAtMs = nowMs;
    this.renewAtMs = nowMs + (this.credentials.notAfterMs - nowMs) * RENEWAL_SHARE;
    for (const listener of this.listeners) listener(this.credentials);
  }

  /** Takes what another process has made; for one that has no authority. */
  adopt(credentials: ServingCredentials): void {
    if (credentials.certPem === this.credentials?.certPem) return;
    this.credentials = credentials;
    this.renewAtMs = credentials.notAfterMs - this.lifetimeMs * (1 - RENEWAL_SHARE);
    for (const listener of this.listeners) listener(credentials);
  }

  private isDue(authority: Authority, dnsNames: readonly string[], nowMs: number): boolean {
    if (this.credentials === null) return true;
    const sameNames = dnsNames.join() === this.issuedFor.join();
    if (!sameNames || this.issuedBy?.equals(authority.certificate.publicKey) !== true) return true;
    // The clock was set back: what was issued by the wrong one is not valid yet by the right one.
    if (nowMs < this.issuedAtMs - BACKDATE_MS) return true;
    // Of an authority that has ended there is nothing better to be had.
    return nowMs >= this.renewAtMs && expiryOf(authority) > nowMs;
  }
}

/** TLS 1.3 alone: every client of these servers is one of ours. */
export function contextOf({ keyPem, certPem }: ServingCredentials): SecureContextOptions {
  return { key: keyPem, cert: certPem, minVersion: 'TLSv1.3' };
}

/** Presents every new certificate to connections made from then on; existing ones are left alone. */
export function followCertificate(server: Server, certificate: ServingCertificate): () => void {
  return certificate.onChange((credentials) => server.setSecureContext(contextOf(credentials)));
}
