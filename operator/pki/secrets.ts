import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { type Authority, notAfterMsOf } from './authority.ts';
import { fromPem, isP256, matches, toPem } from './certificate.ts';

/** Secrets of the control plane's namespace, which all replicas share. */
export const ANCHOR_SECRET = 'weft-trust-anchor';
export const ISSUER_SECRET = 'weft-identity-issuer';
export const WEBHOOK_AUTHORITY_SECRET = 'weft-webhook-ca';

/** Type and (decoded) data of a Secret. */
export interface SecretContent {
  type: string;
  data: Readonly<Record<string, Uint8Array>>;
}

/** What the certificate code asks of the API server, in one namespace. */
export interface SecretStore {
  /** `null` when there is none. */
  get(name: string): Promise<SecretContent | null>;
  /** Creates it without an owner reference; false when a Secret of that name is there already (409). Never overwrites. */
  create(name: string, content: SecretContent): Promise<boolean>;
}

export type ReadAuthority = { ok: true; authority: Authority } | { ok: false; problem: string };

export function toSecret(authority: Authority): SecretContent {
  const chain = authority.chain.length === 0 ? [authority.certificate] : authority.chain;
  return {
    type: 'kubernetes.io/tls',
    data: {
      'tls.crt': Buffer.from(toPem(chain)),
      'tls.key': Buffer.from(authority.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      'ca.crt': Buffer.from(toPem(authority.anchors)),
    },
  };
}

/**
 * Reads a CA from a Secret of either form (Linkerd: `identity.issuer.scheme`): `tls.crt`, `tls.key`, `ca.crt` as cert-manager
 * writes it, or `crt.pem`, `key.pem`. Without `ca.crt` a self-signed last certificate of the chain is the anchor.
 */
export function readAuthority(content: SecretContent, nowMs: number): ReadAuthority {
  try {
    return checkAuthority(content.data, nowMs);
  } catch (error) {
    // OpenSSL's messages name the failure, never the key.
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

function checkAuthority(data: SecretContent['data'], nowMs: number): ReadAuthority {
  const certificates = fromPem(textOf(data, 'tls.crt') || textOf(data, 'crt.pem'));
  const keyPem = textOf(data, 'tls.key') || textOf(data, 'key.pem');
  const certificate = certificates[0];
  if (certificate === undefined) return { ok: false, problem: 'has no certificate in tls.crt or crt.pem' };
  if (keyPem === '') return { ok: false, problem: 'has no key in tls.key or key.pem' };
  const anchors = distinct([...fromPem(textOf(data, 'ca.crt')), ...certificates.filter(isSelfSigned)]);
  const authority: Authority = {
    certificate,
    privateKey: createPrivateKey(keyPem),
    chain: certificates.filter((item) => !isSelfSigned(item)),
    anchors,
  };
  const problem = problemOf(authority, nowMs);
  return problem === null ? { ok: true, authority } : { ok: false, problem };
}

/** Why nothing can be signed with it; `null` when all is well. */
export function problemOf(authority: Authority, nowMs: number): string | null {
  const { certificate, privateKey, anchors } = authority;
  if (!isP256(privateKey)) return 'has a key that is not ECDSA P-256';
  if (!matches(certificate, privateKey)) return 'has a key that does not belong to its certificate';
  if (!certificate.ca) return 'has a certificate that is no authority (basicConstraints CA, keyCertSign)';
  if (anchors.length === 0) return 'names no trust anchor in ca.crt';
  const links = [certificate, ...authority.chain];
  const ended = links.find((link) => notAfterMsOf(link) <= nowMs);
  if (ended !== undefined) return `has a certificate that ended at ${ended.validToDate.toISOString()}`;
  return chains(authority) ? null : 'has a certificate that does not chain to ca.crt';
}

/** Every link is signed by the next, the last by an anchor (or is one). */
function chains(authority: Authority): boolean {
  const links = authority.chain.length === 0 ? [authority.certificate] : authority.chain;
  const signed = links.every((link, i) => i + 1 === links.length || isSignedBy(link, links[i + 1]!));
  const last = links.at(-1)!;
  return (
    signed &&
    authority.anchors.some((anchor) => anchor.fingerprint256 === last.fingerprint256 || isSignedBy(last, anchor))
  );
}

export function isSignedBy(certificate: X509Certificate, parent: X509Certificate): boolean {
  return certificate.checkIssued(parent) && certificate.verify(parent.publicKey);
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}

/** In order of first appearance. */
export function distinct(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((item) => [item.fingerprint256, item])).values()];
}

function textOf(data: SecretContent['data'], key: string): string {
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  return value === undefined ? '' : Buffer.from(value).toString('utf8');
}
