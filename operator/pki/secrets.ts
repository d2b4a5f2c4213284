import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { type Authority, expiryOf, leading, notAfterMsOf } from './authority.ts';
import { fromPem, isP256, matches, toPem } from './certificate.ts';

export {
  ANCHOR_SECRET,
  CONTROL_SECRET,
  ISSUER_SECRET,
  PUBLISHED_SECRET,
  ROTATION_SECRET,
  WEBHOOK_AUTHORITY_SECRET,
} from '../../proxy-image/contract/names.ts';

/** Type and (decoded) data of a Secret. */
export interface SecretContent {
  type: string;
  data: Readonly<Record<string, Uint8Array>>;
}

/** A Secret as the API server has it. */
export interface StoredSecret extends SecretContent {
  resourceVersion: string;
  /** Carries the labels that the operator gives to what it makes. Whoever takes them off keeps the Secret from being written again. */
  isLabelled: boolean;
  /** Milliseconds since the epoch by the clock of the API server; 0 where it did not say. */
  serverMs: number;
}

/** What the certificate code asks of the API server, in one namespace. */
export interface SecretStore {
  /** `null` when there is none. */
  get(name: string): Promise<StoredSecret | null>;
  /** Creates it without an owner reference; false when a Secret of that name is there already (409). Never overwrites. */
  create(name: string, content: SecretContent): Promise<boolean>;
  /** Replaces the data of the very version that was read; false when it is another one by now, or gone. */
  replace(name: string, content: SecretContent, resourceVersion: string): Promise<boolean>;
}

/** `ended` is the authority where nothing is wrong with it but its dates. */
export type ReadAuthority =
  | { ok: true; authority: Authority }
  | { ok: false; problem: string; ended: Authority | null };

export function toSecret(authority: Authority): SecretContent {
  const { certificate } = authority;
  const isFirst = authority.chain[0]?.fingerprint256 === certificate.fingerprint256;
  const chain = isFirst ? authority.chain : [certificate, ...authority.chain];
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
    return unusable(error instanceof Error ? error.message : String(error));
  }
}

function unusable(problem: string, ended: Authority | null = null): ReadAuthority {
  return { ok: false, problem, ended };
}

function checkAuthority(data: SecretContent['data'], nowMs: number): ReadAuthority {
  const certificates = fromPem(textOf(data, 'tls.crt') || textOf(data, 'crt.pem'));
  const keyPem = textOf(data, 'tls.key') || textOf(data, 'key.pem');
  const certificate = certificates[0];
  if (certificate === undefined) return unusable('has no certificate in tls.crt or crt.pem');
  if (keyPem === '') return unusable('has no key in tls.key or key.pem');
  const anchors = distinct([...fromPem(textOf(data, 'ca.crt')), ...certificates.filter(isSelfSigned)]);
  const authority: Authority = {
    certificate,
    privateKey: createPrivateKey(keyPem),
    chain: certificates.filter((item) => !isSelfSigned(item)),
    anchors,
  };
  const problem = problemOf(authority);
  if (problem !== null) return unusable(problem);
  const endMs = expiryOf(authority);
  if (endMs <= nowMs) return unusable(`has a certificate that ended at ${new Date(endMs).toISOString()}`, authority);
  return { ok: true, authority: alive(authority, nowMs) };
}

/** Why nothing can be signed with it at any time; `null` when all is well. */
export function problemOf(authority: Authority): string | null {
  const { certificate, privateKey, anchors } = authority;
  if (!isP256(privateKey)) return 'has a key that is not ECDSA P-256';
  if (!matches(certificate, privateKey)) return 'has a key that does not belong to its certificate';
  if (!certificate.ca) return 'has a certificate that is no authority (basicConstraints CA, keyCertSign)';
  if (anchors.length === 0) return 'names no trust anchor in ca.crt';
  return chains(authority) ? null : 'has a certificate that does not chain to ca.crt';
}

/** Every link is signed by the next; one of them, or the certificate itself, is an anchor or signed by one. */
function chains({ certificate, chain, anchors }: Authority): boolean {
  const signed = chain.every((link, i) => i + 1 === chain.length || isSignedBy(link, chain[i + 1]!));
  // A root that took another's place: its chain begins with the certificate of its own key by the other.
  const links = isSelfSigned(certificate) ? [certificate] : chain;
  const vouches = (link: X509Certificate) =>
    anchors.some((anchor) => anchor.fingerprint256 === link.fingerprint256 || isSignedBy(link, anchor));
  return signed && (links[0]?.publicKey.equals(certificate.publicKey) ?? false) && links.some(vouches);
}

/** Without the anchors, and the part of the chain, that have ended: nothing is verified with them any more. */
function alive(authority: Authority, nowMs: number): Authority {
  const lasts = (item: X509Certificate) => notAfterMsOf(item) > nowMs;
  return { ...authority, chain: leading(authority.chain, lasts), anchors: authority.anchors.filter(lasts) };
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
