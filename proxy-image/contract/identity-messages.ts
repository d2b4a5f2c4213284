import { isObject } from '../../lib/json.ts';
/**
 * Certificate signing between a proxy and the operator (port 8080): TLS 1.3 with ALPN `IDENTITY_ALPN`, the server proves
 * the control plane's identity, the client shows no certificate. One `CertifyRequest`, one `IdentityAnswer`, each one JSON
 * text behind a 4-byte big-endian length (`framing.ts`); then the server ends the connection.
 */
export const IDENTITY_ALPN = 'weft-identity/1';

/** Largest message of either direction. A bound token is 1-2 KiB, our CSR 350 bytes, a chain with a bundle of five anchors 8 KiB. */
export const MAX_IDENTITY_MESSAGE_BYTES = 64 * 1024;

/** Largest CSR (DER) that is looked at. */
export const MAX_CSR_BYTES = 4 * 1024;

/** Largest token; API servers issue up to about 2 KiB. */
const MAX_TOKEN_BYTES = 16 * 1024;

/** Certificates of proxies, operator and authorities alike are replaced when this share of their life is over (Linkerd: identity client). */
export const RENEWAL_SHARE = 0.7;

/** The identity is derived from `token`; of the CSR only the public key (P-256) is used, after its signature proved possession. */
export interface CertifyRequest {
  type: 'certify';
  /** Projected ServiceAccount token, audience `TOKEN_AUDIENCE`; read anew from disk for every request. */
  token: string;
  /** PKCS#10 in DER, base64. */
  csr: string;
}

export interface CertifyAnswer {
  type: 'certificate';
  /** The one DNS SAN of the certificate. */
  identity: string;
  /** Leaf first, then intermediates up to, not including, the anchor. */
  certificateChainPem: string;
  /** Every trusted anchor. */
  trustAnchorsPem: string;
  /** RFC 3339, whole seconds. */
  notBefore: string;
  notAfter: string;
}

/** `code` is one of the catalogue of errors. */
export interface IdentityRefusal {
  type: 'error';
  code: string;
  message: string;
  /** Wait at least this long before asking again; `null` = the same request will never succeed (a new token or CSR may). */
  retryAfterMs: number | null;
}

export type IdentityAnswer = CertifyAnswer | IdentityRefusal;

type Fields = Readonly<Record<string, unknown>>;

function text(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength;
}

/** `null` when the value is not a request; unknown fields are ignored. */
export function parseCertifyRequest(value: unknown): CertifyRequest | null {
  if (!isObject(value) || value['type'] !== 'certify') return null;
  const { token, csr } = value;
  if (!text(token, MAX_TOKEN_BYTES) || !text(csr, MAX_IDENTITY_MESSAGE_BYTES)) return null;
  return { type: 'certify', token, csr };
}

/** `null` when the value is not an answer; unknown fields are ignored. PEM and times are the caller's to check. */
export function parseIdentityAnswer(value: unknown): IdentityAnswer | null {
  if (!isObject(value)) return null;
  return value['type'] === 'error' ? parseRefusal(value) : parseAnswer(value);
}

function parseRefusal(value: Fields): IdentityRefusal | null {
  const { code, message, retryAfterMs } = value;
  if (!text(code, 100) || typeof message !== 'string') return null;
  if (retryAfterMs !== null && !(typeof retryAfterMs === 'number' && retryAfterMs >= 0)) return null;
  return { type: 'error', code, message: message.slice(0, 1000), retryAfterMs };
}

function parseAnswer(value: Fields): CertifyAnswer | null {
  const { identity, certificateChainPem, trustAnchorsPem, notBefore, notAfter } = value;
  if (value['type'] !== 'certificate' || !text(identity, 253)) return null;
  if (!text(certificateChainPem, MAX_IDENTITY_MESSAGE_BYTES)) return null;
  if (!text(trustAnchorsPem, MAX_IDENTITY_MESSAGE_BYTES)) return null;
  if (!text(notBefore, 40) || !text(notAfter, 40)) return null;
  return { type: 'certificate', identity, certificateChainPem, trustAnchorsPem, notBefore, notAfter };
}
