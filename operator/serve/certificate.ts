import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

export interface PeerCertificate {
  identity: string;
  expiresAtMs: number;
  certificate: X509Certificate;
}

/** The identity that a verified client certificate proves, or `null`: it must be no authority and have exactly one SAN, a DNS name. */
export function peerCertificate(socket: TLSSocket): PeerCertificate | null {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined || certificate.ca) return null;
  const identity = onlyDnsName(certificate.subjectAltName ?? '');
  const expiresAtMs = Date.parse(certificate.validTo);
  return identity === null || Number.isNaN(expiresAtMs) ? null : { identity, expiresAtMs, certificate };
}

/** Node joins SANs with commas and quotes what could be mistaken for one; a name of ours contains neither. */
export function onlyDnsName(subjectAltName: string): string | null {
  return /^DNS:([a-z0-9.-]{1,253})$/.exec(subjectAltName)?.[1] ?? null;
}
