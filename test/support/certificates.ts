import type { X509Certificate } from 'node:crypto';
import type { Authority } from '../../operator/pki/authority.ts';
import { BACKDATE_MS, createAnchor, createIssuer } from '../../operator/pki/authority.ts';
import {
  commonName,
  generateKeyPair,
  type KeyPair,
  keyIdentifierOf,
  randomSerial,
  signCertificate,
  subjectOf,
  toPem,
} from '../../operator/pki/certificate.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  OID,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../operator/pki/extensions.ts';

const HOUR_MS = 3_600_000;

/** Credentials as TLS options take them: `tls.connect({key, cert, ca})`, `upgradeTLS({tls: {key, cert, ca}})`. */
export interface TestCertificate {
  keyPem: string;
  /** Leaf first, then the issuer; the anchor is not in it. */
  chainPem: string;
  certificate: X509Certificate;
}

export interface TestAuthority {
  anchor: Authority;
  issuer: Authority;
  /** What verifies every leaf of this authority. */
  anchorsPem: string;
}

/** What is wrong with a leaf that no peer may accept as `identity` (attack C7); `none` is a good one. */
export const LEAF_DEFECTS = [
  'none',
  'expired',
  'not yet valid',
  'self-signed',
  'other authority',
  'CA:true leaf',
  'wrong extended key usage',
  'SAN missing',
  'SAN missing, name as CN only',
  'wildcard SAN',
  'multi-label wildcard SAN',
  'NUL in SAN',
  'several SANs',
  'upper-case SAN',
] as const;

export type LeafDefect = (typeof LEAF_DEFECTS)[number];

interface LeafShape {
  names: string[];
  commonName: string;
  fromMs: number;
  untilMs: number;
  isAuthority: boolean;
  purposes: string[];
  signer: 'issuer' | 'self' | 'other';
}

/** An anchor and an issuer below it, both P-256, valid from five minutes ago for a day. */
export function createTestAuthority(nowMs = Date.now(), name = 'anchor.test'): TestAuthority {
  const anchor = createAnchor(name, 24 * HOUR_MS, nowMs);
  const issuer = createIssuer(anchor, `issuer.${name}`, 24 * HOUR_MS, nowMs);
  return { anchor, issuer, anchorsPem: toPem(issuer.anchors) };
}

/** A leaf for `identity` with one defect, valid around `nowMs` unless that is the defect. */
export function createLeaf(
  authority: TestAuthority,
  identity: string,
  defect: LeafDefect = 'none',
  nowMs = Date.now(),
): TestCertificate {
  const shape: LeafShape = {
    names: [identity],
    commonName: '',
    fromMs: nowMs - BACKDATE_MS,
    untilMs: nowMs + HOUR_MS,
    isAuthority: false,
    purposes: [OID.serverAuth, OID.clientAuth],
    signer: 'issuer',
    ...DEFECTS[defect](identity, nowMs),
  };
  return signLeaf(authority, shape, nowMs);
}

const DEFECTS: Record<LeafDefect, (identity: string, nowMs: number) => Partial<LeafShape>> = {
  none: () => ({}),
  expired: (_, nowMs) => ({ fromMs: nowMs - 2 * HOUR_MS, untilMs: nowMs - HOUR_MS }),
  'not yet valid': (_, nowMs) => ({ fromMs: nowMs + HOUR_MS, untilMs: nowMs + 2 * HOUR_MS }),
  'self-signed': () => ({ signer: 'self' }),
  'other authority': () => ({ signer: 'other' }),
  'CA:true leaf': () => ({ isAuthority: true }),
  'wrong extended key usage': () => ({ purposes: [OID.codeSigning] }),
  'SAN missing': () => ({ names: [] }),
  'SAN missing, name as CN only': (identity) => ({ names: [], commonName: identity }),
  'wildcard SAN': (identity) => ({ names: [identity.replace(/^[^.]+/, '*')] }),
  'multi-label wildcard SAN': (identity) => ({ names: [identity.replace(/^[^.]+\.[^.]+/, '*.*')] }),
  'NUL in SAN': (identity) => ({ names: [`${identity}\0.attacker.example`] }),
  'several SANs': (identity) => ({ names: [identity, `other.${identity}`] }),
  'upper-case SAN': (identity) => ({ names: [identity.toUpperCase()] }),
};

function signLeaf(authority: TestAuthority, shape: LeafShape, nowMs: number): TestCertificate {
  const keys = generateKeyPair();
  const subject = commonName(shape.commonName);
  const signer = signerOf(authority, shape.signer, nowMs);
  const extensions = [
    basicConstraints(shape.isAuthority),
    // A CA:true leaf may sign and may speak TLS: OpenSSL by itself refuses one that may only sign.
    shape.isAuthority ? keyUsage('digitalSignature', 'keyCertSign') : keyUsage('digitalSignature'),
    extendedKeyUsage(shape.purposes),
    subjectKeyIdentifier(keys.publicKey),
  ];
  if (shape.names.length > 0) extensions.push(subjectAltName(shape.names, true));
  if (signer !== null) extensions.push(authorityKeyIdentifier(keyIdentifierOf(signer.certificate)));
  const certificate = signCertificate(
    {
      serial: randomSerial(),
      issuer: signer === null ? subject : subjectOf(signer.certificate),
      subject,
      publicKey: keys.publicKey,
      notBeforeMs: shape.fromMs,
      notAfterMs: shape.untilMs,
      extensions,
    },
    signer === null ? keys.privateKey : signer.privateKey,
  );
  const chain = signer === null ? [certificate] : [certificate, ...signer.chain];
  return { keyPem: keyPemOf(keys), chainPem: toPem(chain), certificate };
}

function signerOf(authority: TestAuthority, signer: LeafShape['signer'], nowMs: number): Authority | null {
  if (signer === 'self') return null;
  // The same names, other keys: what an attacker who knows our certificates would present.
  return signer === 'issuer' ? authority.issuer : createTestAuthority(nowMs).issuer;
}

function keyPemOf(keys: KeyPair): string {
  return keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
