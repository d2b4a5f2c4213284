import type { X509Certificate } from 'node:crypto';
import { RENEWAL_SHARE } from '../../proxy-image/contract/identity-messages.ts';
import { encode } from './asn1.ts';
import { type Authority, BACKDATE_MS, expiryOf, MAX_LEAF_LIFETIME_MS, notAfterMsOf } from './authority.ts';
import { commonName, subjectOf } from './certificate.ts';
import { subjectKeyIdentifier } from './extensions.ts';

/** When things happen to the authorities that the operator holds. Pure: everything follows from the certificates and a time. */

/** The part of the Mesh that decides about renewals. */
export interface Lifetimes {
  anchorLifetimeMs: number;
  issuerLifetimeMs: number;
  certificateLifetimeMs: number;
}

interface Life {
  fromMs: number;
  /** Due for renewal. */
  renewAtMs: number;
  /** Half of what was left at the renewal is gone: if nothing has happened by then, nothing will by itself. */
  overdueMs: number;
  endMs: number;
}

function lifeOf(certificate: X509Certificate): Life {
  const fromMs = certificate.validFromDate.getTime() + BACKDATE_MS;
  const endMs = notAfterMsOf(certificate);
  const renewAtMs = fromMs + (endMs - fromMs) * RENEWAL_SHARE;
  return { fromMs, renewAtMs, overdueMs: (renewAtMs + endMs) / 2, endMs };
}

/** When a root of the operator's own gets a successor. */
export function rootRenewalMs(root: Authority): number {
  return Math.min(lifeOf(root.certificate).renewAtMs, expiryOf(root));
}

/**
 * How long a new anchor is only trusted, before anything is signed below it, in lives of a proxy's certificate. Every proxy that has one
 * asks for the next within its life and gets the bundle with it; the second life is for one that was answered by a replica that had not
 * read the Secret again. (Who has no certificate by then comes in over the old anchor, see `createSuccessor`.)
 */
export const OVERLAP_LIVES = 2;

/** When the issuer is made anew below the newest anchor; infinite where that would not lengthen its life. */
export function issuerRenewalMs(issuer: Authority, anchor: Authority, lifetimes: Lifetimes): number {
  const { renewAtMs, overdueMs, endMs } = lifeOf(issuer.certificate);
  if (issuer.certificate.checkIssued(anchor.certificate)) {
    return endMs >= notAfterMsOf(anchor.certificate) ? Number.POSITIVE_INFINITY : renewAtMs;
  }
  const leafLifetimeMs = Math.min(lifetimes.certificateLifetimeMs, MAX_LEAF_LIFETIME_MS);
  const overlapEndMs = lifeOf(anchor.certificate).fromMs + OVERLAP_LIVES * leafLifetimeMs;
  return Math.min(overlapEndMs, overdueMs, expiryOf(issuer));
}

/** What others keep is warned of a month ahead, or from 70 % of a shorter life: cert-manager renews at two thirds. */
const WARNING_MS = 30 * 86_400_000;

export function warningMs(certificate: X509Certificate, isOurs: boolean): number {
  const { renewAtMs, overdueMs, endMs } = lifeOf(certificate);
  return isOurs ? overdueMs : Math.max(renewAtMs, endMs - WARNING_MS);
}

/**
 * Whether this program made the certificate: one common name as UTF8String and a key identifier by SHA-256 (RFC 7093), which neither
 * OpenSSL (SHA-1) nor step and cert-manager (PrintableString) write. With the labels of the Secret it tells what may be replaced.
 */
export function isOwnMake(certificate: X509Certificate): boolean {
  const name = /^CN=([^\n]+)$/.exec(certificate.subject)?.[1];
  if (name === undefined) return false;
  const sameName = Buffer.from(encode(subjectOf(certificate))).equals(encode(commonName(name)));
  return sameName && certificate.raw.includes(encode(subjectKeyIdentifier(certificate.publicKey)));
}

/** Another replica's clock, or the API server's, may differ by as much before anything is taken for wrong. */
const CLOCK_TOLERANCE_MS = 3_600_000;

/**
 * Why nothing may be replaced now; `null` when nothing speaks against it. A new root in the Secret cannot be taken back, so the API server
 * is asked for a second opinion about the time (`serverMs`; 0 = it gave none).
 */
export function clockProblem(wallMs: number, serverMs: number): string | null {
  const apartMs = Math.abs(wallMs - serverMs);
  if (serverMs === 0 || apartMs <= CLOCK_TOLERANCE_MS) return null;
  return `the clocks of this replica and of the API server are ${Math.round(apartMs / 60_000)} minutes apart`;
}
